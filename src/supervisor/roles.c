/* The table of roles: the diagram of DESIGN §1 as code. */
#include "supervisor/roles.h"

#include "data/settings.h"

const struct role roles[] = {
	{
		.name = "dispatcher", .program = "dispatcher", .settings = SETTINGS_DISPATCHER,
		.supplies = {SUPPLY_WAKE_TAKE, SUPPLY_CHAT, SUPPLY_PAY, SUPPLY_MEDIA, SUPPLY_METRICS},
		.exclusive = true,
	}, {
		.name = "helper-chat", .program = "helper", .word = "chat", .settings = SETTINGS_CHAT,
		.count = "HELPERS_CHAT",
	}, {
		.name = "helper-pay", .program = "helper", .word = "pay", .settings = SETTINGS_PAY,
		.count = "HELPERS_PAY",
	}, {
		.name = "helper-media", .program = "helper", .word = "media", .settings = SETTINGS_MEDIA,
		.count = "HELPERS_MEDIA",
	}, {
		.name = "responder", .program = "responder", .settings = SETTINGS_RESPONDER,
		.count = "RESPONDERS",
		.supplies = {SUPPLY_FASTCGI, SUPPLY_WAKE_SEND, SUPPLY_METRICS},
		/* libfcgi waits two seconds for a peer that does not close first. */
		.environment = "LIBFCGI_OS_CLOSE_POLL_TIMEOUT=0",
	},
};
const size_t roles_count = sizeof roles / sizeof roles[0];

int role_count(const struct role *role, const struct conf *conf)
{
	return role->count == NULL ? 1 : (int)conf_int(conf, role->count);
}
