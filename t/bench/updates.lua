-- wrk: «/balance» from many people; every update has an id of its own.
local threads = 0
function setup(thread)
	thread:set("index", threads)
	threads = threads + 1
end
function init(args)
	secret, people, first = args[1], tonumber(args[2]), tonumber(args[3])
	math.randomseed(first + index)
	count = 0
	bad = 0
	headers = {["Content-Type"] = "application/json", ["X-Telegram-Bot-Api-Secret-Token"] = secret}
end
function request()
	count = count + 1
	local person = 100000000 + math.random(0, people - 1)
	local body = string.format('{"update_id":%d,\n"message":{"message_id":%d,"from":{"id":%d,"is_bot":false,'
		.. '"first_name":"\\u0410\\u043d\\u044f","username":"anya_%d","language_code":"ru"},"chat":{"id":%d,'
		.. '"first_name":"\\u0410\\u043d\\u044f","type":"private"},"date":1789000000,"text":"/balance",'
		.. '"entities":[{"offset":0,"length":8,"type":"bot_command"}]}}',
		first + index * 20000000 + count, count, person, person, person)
	return wrk.format("POST", "/telegram", headers, body)
end
function response(status)
	if status ~= 200 then bad = bad + 1 end
end
local all = {}
local old = setup
setup = function(thread) old(thread); all[#all + 1] = thread end
function done(summary, latency)
	local wrong = 0
	for _, thread in ipairs(all) do wrong = wrong + (thread:get("bad") or 0) end
	io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, wrong,
		summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
		latency:percentile(50), latency:percentile(99)))
end
