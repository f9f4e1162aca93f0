/* Notices: each one with each variant has words and buttons in both languages, within Telegram's bounds. */
#include "data/notice.h"

#include "base/log.h"
#include "base/str.h"
#include "data/button.h"
#include "provider/markup.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])
#define POINTS_MAX 4096         /* of a message, Bot API */
#define CAPTION_MAX 1024        /* of a caption, Bot API */
#define LABEL_MAX 64            /* bytes of a button's words that still show on a phone */
#define PROMPT_UNITS 600        /* FLOW_PREVIEW_MAX: the longest text that is repeated */
#define NOTE_UNITS 200          /* STORE_NOTE_MAX: the longest note of a movement */

#define RUB "{\"unit\":\"rub\",\"amount\":999999999999}"
#define FREE "{\"unit\":\"free\",\"amount\":1000}"
#define CREDIT "{\"unit\":\"credit\",\"amount\":1000000000000}"
#define USD "{\"unit\":\"usd\",\"amount\":99999999999}"
#define PURSES "\"rub\":" RUB ",\"credit\":1000000000000,\"free\":1000,\"free_total\":1000"
#define PACKAGE "{\"word\":\"small\",\"credits\":10000,\"price\":" USD ",\"discount\":99}"
#define PACKAGE_BARE "{\"word\":\"aaaaaaaaaaaaaaaaaaaaaaa\",\"credits\":1,\"price\":" RUB "}"
#define TWO(one) one "," one
#define ID "9223372036854775807"
#define ROW(kind, more) "{\"at\":\"21.11.2026 10:00\",\"kind\":\"" kind "\",\"sign\":\"+\",\"amount\":" CREDIT \
	",\"after\":" CREDIT more "}"

/* Every notice with the arguments it needs; LONG stands for the longest text, NOTE for the longest note. A notice
 * with optional arguments is here with and without them. */
#define SCREEN "\"screen\":9223372036854775807"
#define PAST(kind, more) \
	"{\"kind\":\"" kind "\",\"job\":5,\"word\":\"5\",\"at\":\"21.11 10:00\",\"title\":\"A\"" more "}"
#define CONFIRM(mode) \
	{"confirm", "{\"mode\":\"" mode "\",\"quote\":1,\"model\":\"M\",\"price\":" RUB ",\"have\":" RUB "}", 2}

static const struct {
	const char *name, *args;
	int buttons;
} cases[] = {
	{"welcome", "{}", 9}, {"welcome", "{\"name\":\"LONG\",\"free\":" FREE "}", 9},
	{"menu", "{}", 9}, {"help", "{}", 1},
	{"balance", "{" PURSES "}", 3}, {"pay_none", "{}", 1},
	{"pay_menu", "{" PURSES ",\"roubles\":15000}", 6}, {"pay_menu", "{" PURSES ",\"roubles\":1000}", 6},
	{"pay_menu", "{" PURSES ",\"roubles\":999}", 5}, {"pay_menu", "{" PURSES ",\"roubles\":10}", 2},
	{"pay_menu", "{" PURSES ",\"packages\":[" TWO(TWO(TWO(PACKAGE))) "]}", 9},
	{"pay_menu", "{" PURSES ",\"roubles\":300,\"packages\":[" PACKAGE "," PACKAGE_BARE "]}", 6},
	{"ask_sum", "{" SCREEN ",\"min\":10,\"max\":350000}", 1},
	{"sum_wrong", "{" SCREEN ",\"min\":10,\"max\":350000}", 1},
	{"pay_limit", "{}", 0}, {"pay_wait", "{\"payment\":1,\"amount\":" USD "}", 0},
	{"pay_link", "{\"payment\":" ID ",\"amount\":" RUB ",\"url\":\"https://pay.example/?a=1&b=2\"}", 2},
	{"pay_pending", "{\"payment\":" ID ",\"amount\":" RUB "}", 1},
	{"pay_done", "{\"payment\":1,\"amount\":" CREDIT ",\"balance\":" CREDIT "}", 1},
	{"pay_done", "{\"payment\":1,\"amount\":" RUB ",\"balance\":" RUB ",\"quote\":" ID "}", 2},
	{"pay_canceled", "{\"payment\":1}", 1}, {"pay_canceled", "{\"payment\":1,\"reason\":\"LONG\"}", 1},
	{"pay_failed", "{\"payment\":1}", 1}, {"pay_review", "{\"payment\":1,\"amount\":" USD "}", 0},
	{"pay_refunded", "{\"payment\":1,\"amount\":" USD ",\"left\":" CREDIT "}", 0},
	{"pay_refunded", "{\"payment\":1,\"amount\":" USD ",\"left\":" CREDIT ",\"debt\":" CREDIT "}", 0},
	{"debt", "{\"debt\":" RUB "}", 1}, {"debt", "{\"debt\":{\"unit\":\"credit\",\"amount\":1}}", 1},
	{"statement", "{\"rows\":[" ROW("grant", "") "," ROW("topup", "") "," ROW("topup", ",\"payment\":" ID) ","
		ROW("hold", ",\"job\":" ID) "," ROW("hold", "") "]}", 1},
	{"statement", "{\"rows\":[" ROW("release", ",\"job\":1") "," ROW("release", "") "," ROW("refund", "") ","
		ROW("refund", ",\"payment\":" ID) "," ROW("correction",
			",\"note\":\"NOTE\"") "," ROW("correction", "") ","
		ROW("debt", ",\"payment\":1") "],\"older\":" ID "}", 2},
	{"statement", "{\"rows\":[" TWO(TWO(TWO(ROW("correction", ",\"note\":\"NOTE\"")))) ","
		TWO(ROW("correction", ",\"note\":\"NOTE\"")) "],\"older\":1}", 2},
	{"statement_empty", "{}", 0}, {"statement_file", "{}", 0},
	{"alert", "{\"what\":\"pay_mismatch\",\"payment\":1,\"provider\":\"yookassa\",\"text\":\"LONG\"}", 0},
	{"alert", "{\"what\":\"pay_over\",\"payment\":1,\"provider\":\"yookassa\",\"text\":\"LONG\"}", 0},
	{"alert", "{\"what\":\"pay_test\",\"payment\":1,\"provider\":\"yookassa\",\"text\":\"LONG\"}", 0},
	{"alert",
		"{\"what\":\"pay_orphan\",\"provider\":\"betatransfer\",\"ext_id\":\"2d9c\",\"text\":\"LONG\"}", 0},
	{"alert", "{\"what\":\"debt\",\"payment\":1,\"person\":6100233445,\"debt\":" CREDIT "}", 0},
	{"alert", "{\"what\":\"reconcile\",\"run\":1,\"count\":1000}", 0},
	{"alert", "{\"what\":\"offer_gone\",\"offer\":\"generate.imagen\",\"model\":\"LONG\"}", 0},
	{"alert", "{\"what\":\"minor\",\"person\":6100233445,\"prompt\":\"LONG\"}", 0},
	{"video_large", "{}", 0}, {"ask_prompt", "{" SCREEN "}", 1},
	{"ask_edit_photo", "{" SCREEN ",\"kept\":1}", 1},
	{"ask_edit_text", "{" SCREEN "}", 1}, {"ask_merge_photos", "{" SCREEN ",\"count\":1}", 1},
	{"ask_merge_photos", "{" SCREEN ",\"count\":2,\"enough\":1}", 2},
	{"merge_photos", "{" SCREEN ",\"count\":1}", 1},
	{"merge_photos", "{" SCREEN ",\"count\":10,\"enough\":1,\"full\":1}", 2},
	{"ask_merge_text", "{" SCREEN ",\"count\":5}", 1}, {"ask_face", "{" SCREEN "}", 1},
	{"ask_face_target", "{" SCREEN "}", 1}, {"ask_retouch", "{" SCREEN "}", 1},
	{"ask_upscale", "{" SCREEN "}", 1},
	{"ask_caption_photo", "{" SCREEN "}", 1}, {"ask_caption_text", "{" SCREEN ",\"max\":200}", 1},
	{"ask_video_model", "{" SCREEN ",\"families\":[{\"word\":\"kling-3.0\",\"title\":\"Kling 3.0\"}]}", 2},
	{"ask_video_length", "{" SCREEN ",\"model\":\"Kling 3.0\"}", 3},
	{"ask_video_input", "{" SCREEN ",\"model\":\"Kling\",\"text\":1,\"photo\":1,\"film\":1,\"motion\":1}", 1},
	{"ask_video_text", "{" SCREEN ",\"clip\":1}", 1}, {"ask_video_photo", "{" SCREEN "}", 1},
	{"choice", "{" SCREEN "}", 7},
	{"forget_ask", "{" SCREEN "," PURSES "}", 2}, {"want_photo", "{}", 0}, {"want_text", "{}", 0},
	{"album_film", "{}", 0},
	{"want_button", "{}", 0},
	{"image_kind", "{}", 0}, {"image_large", "{}", 0}, {"video_as_file", "{}", 0},
	{"clip_length", "{\"length\":61,\"min\":3,\"max\":10}", 0}, {"video_no_photo", "{}", 0},
	{"video_no_film", "{}", 0},
	{"video_none", "{}", 1}, {"other", "{\"what\":\"voice\"}", 1}, {"other", "{\"what\":\"sticker\"}", 1},
	{"other", "{\"what\":\"document\"}", 1}, {"other", "{\"what\":\"thing\"}", 1},
	{"caption_long", "{\"length\":201,\"max\":200}", 0}, {"blocked", "{}", 1}, {"mode_none", "{}", 1},
	{"offer_off", "{}", 1}, {"album", "{\"album\":7,\"count\":10,\"more\":2,\"caption\":\"LONG\"}", 2},
	{"album", "{\"album\":7,\"count\":1}", 2},
	{"models", "{\"quote\":5,\"list\":[{\"word\":\"a.b\",\"title\":\"A\","
		"\"price\":" RUB ",\"own\":1},{\"word\":\"c\",\"title\":\"C\",\"price\":" FREE "}]}", 3},
	{"formats", "{\"quote\":5,\"list\":[{\"word\":\"16x9\",\"title\":\"16:9\"}]}", 2},
	{"terms_ask", "{\"quote\":5}", 3}, {"terms_ask", "{\"pay\":1}", 3}, {"terms", "{}", 0},
	{"job_cancelled", "{\"job\":1}", 1}, {"job_cancelled", "{\"job\":1,\"back\":" RUB ",\"left\":" RUB "}", 1},
	{"job_done", "{\"job\":1}", 0}, {"job_failed", "{\"job\":1,\"reason\":\"ours\"}", 2},
	{"original", "{\"job\":1}", 0}, {"original_lost", "{}", 0}, {"get_none", "{}", 1}, {"cancel_late", "{}", 0},
	{"jobs",
		"{\"rows\":[{\"kind\":\"pending\",\"job\":5,\"word\":\"5\",\"title\":\"A\",\"progress\":0,\"place\":2},"
		"{\"kind\":\"processing\",\"job\":6,\"word\":\"6\",\"title\":\"A\",\"progress\":50,\"prompt\":\"x\"}]}", 2},
	{"jobs_none", "{}", 1}, {"history_none", "{}", 1},
	{"history", "{\"rows\":[" PAST("completed", ",\"price\":" RUB) "," PAST("failed",
		"") "," PAST("cancelled", "") ","
		PAST("pending", "") "," PAST("processing", "") "],\"older\":5}", 3},
	{"stats",
		"{\"jobs\":1,\"completed\":1,\"failed\":0,\"spent_rub\":" RUB ",\"spent_credit\":" CREDIT
		",\"spent_free\":" FREE ",\"topped_rub\":" RUB ",\"topped_credit\":" CREDIT ",\"since\":\"21.11.2026\"}", 1},
	{"language", "{}", 2}, {"language_set", "{}", 1}, {"support", "{\"person\":1}", 1},
	{"support", "{\"person\":1,\"contact\":\"@x\"}", 1}, {"mydata_file", "{}", 0}, {"forgotten", "{}", 0},
	{"forget_busy", "{}", 1}, {"prompt_long", "{\"length\":8192,\"max\":2000}", 0},
	{"dialog_cancelled", "{}", 1},
	{"unknown_command", "{}", 1}, {"limit_rate", "{}", 0}, {"limit_jobs", "{\"max\":100}", 1},
	{"banned", "{}", 0}, {"banned", "{\"reason\":\"LONG\"}", 0},
	{"confirm",
		"{\"mode\":\"generate\",\"quote\":9223372036854775807,\"prompt\":\"LONG\",\"model\":\"LONG\",\"price\":" RUB
		",\"have\":" RUB "}", 2},
	{"confirm",
		"{\"mode\":\"add_text\",\"quote\":1,\"prompt\":\"x\",\"photos\":1,\"model\":\"M\",\"gratis\":1}", 2},
	{"confirm",
		"{\"mode\":\"video\",\"quote\":1,\"prompt\":\"x\",\"photos\":1,\"clip\":5,\"model\":\"M\",\"format\":\"16:9\","
		"\"models\":1,\"formats\":1,\"price\":" RUB ",\"have\":" RUB "}", 4}, CONFIRM("edit"),
			CONFIRM("merge"),
	CONFIRM("face_swap"), CONFIRM("retouch"), CONFIRM("upscale"),
	{"cancelled", "{}", 0}, {"quote_changed", "{}", 1},
	{"short", "{\"missing\":" CREDIT ",\"price\":" CREDIT ",\"have\":" CREDIT "}", 1},
	{"job_status", "{\"job\":1,\"progress\":0}", 0},
	{"job_status", "{\"job\":9223372036854775807,\"progress\":0,\"place\":1000,\"usual_s\":3600}", 1},
	{"job_status", "{\"job\":1,\"progress\":10}", 0},
	{"job_status", "{\"job\":1,\"progress\":10,\"usual_s\":61}", 0},
	{"job_status", "{\"job\":1,\"progress\":50}", 0},
	{"job_status", "{\"job\":1,\"progress\":50,\"usual_s\":2}", 0},
	{"job_finding", "{\"job\":1}", 0}, {"job_done", "{\"job\":1,\"price\":" FREE ",\"left\":" FREE "}", 0},
	{"job_failed", "{\"job\":1,\"reason\":\"input\",\"back\":" FREE ",\"left\":" FREE "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"policy\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"busy\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"ours\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"late\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"unreachable\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"result", "{\"job\":9223372036854775807,\"picture\":1}", 4}, {"result", "{\"job\":5}", 2},
	/* admins */
	{"unbanned", "{}", 1},
	{"maintenance", "{}", 0},
	{"balance_taken", "{\"amount\":" RUB ",\"left\":" RUB "}", 0},
	{"offer_weather", "{}", 1},
	{"balance_added", "{\"amount\":" CREDIT ",\"left\":" CREDIT ",\"why\":\"LONG\"}", 1},
	{"admin", "{\"open\":1,\"waiting\":2,\"opened\":1}", 8},
	{"admin", "{\"open\":1,\"waiting\":2,\"closed\":1,\"review\":1,\"stopped\":1,\"broadcast\":5}", 9},
	{"admin_usage", "{\"command\":\"admin\"}", 0},
	{"admin_usage", "{\"command\":\"admin_stats\"}", 0},
	{"admin_usage", "{\"command\":\"add\"}", 0},
	{"admin_usage", "{\"command\":\"sub\"}", 0},
	{"admin_usage", "{\"command\":\"ban\"}", 0},
	{"admin_usage", "{\"command\":\"unban\"}", 0},
	{"admin_usage", "{\"command\":\"user\"}", 0},
	{"admin_usage", "{\"command\":\"payment\"}", 0},
	{"admin_usage", "{\"command\":\"refund\"}", 0},
	{"admin_usage", "{\"command\":\"job\"}", 0},
	{"admin_usage", "{\"command\":\"prices\"}", 0},
	{"admin_usage", "{\"command\":\"price\"}", 0},
	{"admin_usage", "{\"command\":\"broadcast\"}", 0},
	{"admin_usage", "{\"command\":\"maintenance\"}", 0},
	{"admin_usage", "{\"command\":\"export\"}", 0},
	{"admin_usage", "{\"command\":\"margin\"}", 0},
	{"admin_usage", "{\"command\":\"weather\"}", 0},
	{"admin_usage", "{\"command\":\"audit\"}", 0},
	{"admin_no", "{\"what\":\"user\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"payment\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"job\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"short\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"ban_admin\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"refund_gone\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"refund_state\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"refund_manual\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"refund_none\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"refund_much\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"refund_short\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"refund_again\",\"payment\":6}", 0},
	{"admin_no", "{\"what\":\"job_late\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"job_done\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"broadcast\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_no", "{\"what\":\"broadcast_busy\",\"person\":5,\"payment\":6,\"job\":7,\"left\":" RUB "}", 0},
	{"admin_done",
		"{\"what\":\"added\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"taken\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"banned\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"unbanned\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"refund\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"payment_ask\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"job_cancel\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"price_set\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"price_off\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"price_on\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"price_reset\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"maintenance_on\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,\"offer\":\"a.b\","
		"\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_done",
		"{\"what\":\"maintenance_off\",\"person\":5,\"payment\":6,\"job\":7,\"refund\":8,"
		"\"offer\":\"a.b\",\"amount\":" RUB ",\"left\":" RUB "}", 1},
	{"admin_stats",
		"{\"people\":1,\"active\":1,\"open\":0,\"waiting\":0,\"d_people\":1,\"d_jobs\":2,"
		"\"d_completed\":1,\"d_failed\":1,\"d_by_us\":1,\"d_rub\":" RUB ",\"d_credit\":" CREDIT ","
		"\"d_refunded\":" RUB ",\"d_spent\":" RUB ",\"m_people\":1,\"m_jobs\":2,\"m_completed\":1,"
		"\"m_failed\":1,\"m_by_us\":1,\"m_rub\":" RUB ",\"m_credit\":" CREDIT ",\"m_refunded\":" RUB ","
		"\"m_spent\":" RUB "}", 1},
	{"chart", "{}", 0},
	{"admin_weather",
		"{\"rows\":[{\"kind\":\"sold\",\"model\":\"m\",\"good\":1,\"bad\":0,"
		"\"usual_s\":5},{\"kind\":\"stopped\",\"model\":\"m\",\"provider\":\"fal\",\"good\":0,\"bad\":5,"
		"\"until\":\"10:00\",\"why\":\"x\"},{\"kind\":\"trial\",\"model\":\"m\",\"provider\":\"fal\","
		"\"good\":0,\"bad\":5}]}", 1},
	{"admin_weather_none", "{}", 1},
	{"admin_margin",
		"{\"rows\":[{\"kind\":\"model\",\"title\":\"M\",\"done\":3,\"rub\":" RUB ",\"credit\":" CREDIT ","
		"\"free\":" FREE ",\"cost\":" RUB ",\"gain\":" RUB "}],\"rub\":" RUB ",\"cost\":" RUB ","
		"\"gain\":" RUB ",\"no_cost\":1}", 1},
	{"admin_margin_none", "{}", 1},
	{"admin_audit",
		"{\"rows\":[{\"kind\":\"chat\",\"at\":\"t\",\"actor\":5,\"command\":\"add\",\"person\":6,"
		"\"outcome\":\"done\"},{\"kind\":\"ctl\",\"at\":\"t\",\"command\":\"ban\","
		"\"outcome\":\"done\"}]}", 1},
	{"admin_prices",
		"{\"more\":2,\"rows\":[{\"kind\":\"sold\",\"word\":\"a.b\",\"title\":\"A\","
		"\"rub\":" RUB "},{\"kind\":\"changed\",\"word\":\"c.d\",\"title\":\"C\","
		"\"credit\":" CREDIT "},{\"kind\":\"off\",\"word\":\"e\",\"title\":\"E\"}]}", 2},
	{"admin_user",
		"{\"person\":5,\"lang\":\"ru\",\"since\":\"t\",\"seen\":\"t\",\"rub\":" RUB ",\"credit\":1,"
		"\"free\":1,\"free_total\":4,\"jobs\":1,\"completed\":1,\"failed\":0,\"open\":0,"
		"\"paid_rub\":" RUB ",\"paid_credit\":0,\"free_to_use\":1,\"name\":\"LONG\","
		"\"username\":\"x\"}", 4},
	{"admin_user",
		"{\"person\":5,\"lang\":\"ru\",\"since\":\"t\",\"seen\":\"t\",\"rub\":" RUB ",\"credit\":1,"
		"\"free\":1,\"free_total\":4,\"jobs\":1,\"completed\":1,\"failed\":0,\"open\":0,"
		"\"paid_rub\":" RUB ",\"paid_credit\":0,\"banned\":\"t\",\"reason\":\"spam\","
		"\"unreachable\":\"t\"}", 4},
	{"admin_statement",
		"{\"person\":5,\"rows\":[{\"kind\":\"topup\",\"at\":\"t\",\"sign\":\"+\",\"amount\":" RUB ","
		"\"after\":" RUB "}]}", 1},
	{"admin_list",
		"{\"person\":5,\"rows\":[{\"kind\":\"job\",\"word\":\"job\",\"on\":7,\"at\":\"t\",\"title\":\"A\","
		"\"state\":\"completed\"},{\"kind\":\"payment\",\"word\":\"payment\",\"on\":8,\"at\":\"t\","
		"\"amount\":" RUB ",\"provider\":\"yookassa\",\"state\":\"pending\"}]}", 3},
	{"admin_payment",
		"{\"payment\":6,\"person\":5,\"provider\":\"yookassa\",\"state\":\"succeeded\",\"amount\":" RUB ","
		"\"granted\":" RUB ",\"at\":\"t\",\"paid_at\":\"t\",\"ext\":\"x\",\"refundable\":1}", 2},
	{"admin_payment",
		"{\"payment\":6,\"person\":5,\"provider\":\"yookassa\",\"state\":\"review\",\"amount\":" RUB ","
		"\"at\":\"t\",\"reason\":\"amount\",\"open\":1}", 2},
	{"admin_refund",
		"{\"payment\":6,\"person\":5,\"amount\":" RUB ",\"balance\":" RUB ",\"sum\":[{\"word\":\"1000\","
		"\"amount\":" RUB "}]}", 2},
	{"admin_job",
		"{\"job\":7,\"person\":5,\"offer\":\"a.b\",\"title\":\"A\",\"provider\":\"fal\",\"model\":\"m\","
		"\"status\":\"pending\",\"at\":\"t\",\"price\":" RUB ",\"prompt\":\"x\",\"pending\":1}", 2},
	{"admin_export", "{\"what\":\"people\"}", 0},
	{"admin_export", "{\"what\":\"payments\"}", 0},
	{"admin_export", "{\"what\":\"jobs\"}", 0},
	{"broadcast_ask", "{" SCREEN "}", 1},
	{"broadcast",
		"{\"broadcast\":3,\"state\":\"draft\",\"sent\":1,\"lost\":0,\"open\":2,\"count\":5,\"draft\":1,"
		"\"alive\":1,\"segment_all\":1}", 9},
	{"broadcast",
		"{\"broadcast\":3,\"state\":\"running\",\"sent\":1,\"lost\":0,\"open\":2,\"count\":5,"
		"\"running\":1,\"alive\":1}", 3},
	{"broadcast",
		"{\"broadcast\":3,\"state\":\"paused\",\"sent\":1,\"lost\":0,\"open\":2,\"paused\":1,"
		"\"alive\":1}", 2},
	{"broadcast", "{\"broadcast\":3,\"state\":\"done\",\"sent\":1,\"lost\":0,\"open\":2,\"x\":1}", 0},
	{"broadcast", "{\"broadcast\":3,\"state\":\"cancelled\",\"sent\":1,\"lost\":0,\"open\":2,\"x\":1}", 0},
	{"alert", "{\"what\":\"breaker_open\",\"provider\":\"fal\",\"model\":\"m\",\"text\":\"5 × busy\"}", 0},
	{"alert", "{\"what\":\"breaker_closed\",\"provider\":\"fal\",\"model\":\"m\"}", 0},
	{"alert", "{\"what\":\"provider_trouble\",\"provider\":\"fal\",\"text\":\"LONG\",\"stopped\":1}", 0},
	{"alert", "{\"what\":\"helper_down\",\"lane\":\"chat\"}", 0},
	{"alert", "{\"what\":\"queue\",\"lane\":\"chat\",\"count\":2,\"minutes\":3}", 0},
	{"alert",
		"{\"what\":\"digest\",\"day\":\"20.11\",\"people\":1,\"jobs\":1,\"completed\":1,\"failed\":0,"
		"\"by_us\":0,\"rub\":" RUB ",\"credit\":" CREDIT ",\"payments\":1,\"refunded\":" RUB ","
		"\"spent\":" RUB ",\"review\":1}", 0},
};
static const char *const langs[] = {"ru", "en"};

/* LONG and NOTE made long, of characters that escape to the most bytes. */
static void lengthen(json *value)
{
	bool text = json_object_is_type(value, json_type_string);
	size_t units = !text ? 0 : !strcmp(json_object_get_string(value), "LONG") ? PROMPT_UNITS
		: !strcmp(json_object_get_string(value), "NOTE") ? NOTE_UNITS : 0;
	char words[PROMPT_UNITS + 4];

	if (units > 0) {
		memset(words, '"', units);
		memcpy(words + units, "…", 4);
		json_object_set_string(value, words);
	} else if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, name, child) {
			(void)name;
			lengthen(child);
		}
	}
	for (size_t i = 0; i < json_count(value, ""); i++)
		lengthen(json_object_array_get_idx(value, i));
}

static json *args_of(const char *text)
{
	json *args = json_read(text, strlen(text));

	if (args == NULL)
		abort();
	lengthen(args);
	return args;
}

/* Tags open and close in order; no brace of a hole is left. */
static bool is_markup_good(const char *html)
{
	char open[8][16];
	int depth = 0;

	for (const char *at = strchr(html, '<'); at != NULL; at = strchr(at + 1, '<')) {
		bool closes = at[1] == '/';
		size_t length = strcspn(at + 1 + closes, ">");

		if (length == 0 || length >= sizeof open[0] || depth == (closes ? 0 : 8))
			return false;
		if (closes && strncmp(open[depth - 1], at + 2, strlen(open[depth - 1])) != 0)
			return false;
		if (!closes)
			snprintf(open[depth], sizeof open[0], "%.*s", (int)length, at + 1);
		depth += closes ? -1 : 1;
	}
	return depth == 0 && strpbrk(html, "{}|") == NULL;
}

/* What a button comes back with is ours; or it opens a link and comes back with nothing. */
static bool is_button_good(json *button)
{
	const char *data = json_text(button, "callback_data"), *url = json_text(button, "url");
	const char *label = json_text(button, "text");
	struct button read;
	char again[BUTTON_BYTES];

	if (label == NULL || *label == '\0' || strlen(label) > LABEL_MAX || strpbrk(label, "{}|") != NULL)
		return false;
	if (url != NULL)
		return data == NULL && str_starts(url, "https://");
	if (data == NULL || *data == '\0' || strlen(data) > 64 || button_read(data, &read) != 0)
		return false;
	button_write(&read, again);
	return strcmp(again, data) == 0;
}

static int count_buttons(json *keyboard, const char *what)
{
	int count = 0;

	for (size_t r = 0; r < json_count(keyboard, "inline_keyboard"); r++) {
		json *row = json_object_array_get_idx(json_at(keyboard, "inline_keyboard"), r);

		for (size_t i = 0; i < json_count(row, ""); i++, count++) {
			json *one = json_object_array_get_idx(row, i);

			if (!is_button_good(one))
				ok(false, "%s: button %d: %s", what, count, json_write(one));
		}
		if (json_count(row, "") == 0 || json_count(row, "") > 8)
			ok(false, "%s: row %zu", what, r);
	}
	return count;
}

static void test_each(const struct texts *texts, struct arena *arena)
{
	for (size_t i = 0; i < COUNT(cases) * COUNT(langs); i++) {
		const char *lang = langs[i % COUNT(langs)];
		size_t n = i / COUNT(langs);
		json *notice = notice_new(cases[n].name, args_of(cases[n].args));
		struct reply reply;
		char what[160];
		bool caption = !strcmp(cases[n].name, "result") || !strcmp(cases[n].name, "statement_file");
		size_t most = caption ? CAPTION_MAX : POINTS_MAX;

		snprintf(what, sizeof what, "%s %s %.80s", lang, cases[n].name, cases[n].args);
		bool good = notice_render(texts, lang, notice, arena, &reply) == NOTICE_OK;
		size_t points = str_points(markup_strip(reply.text, arena));

		ok(good && points > 0 && points <= most && strlen(reply.text) < REPLY_TEXT_MAX
			&& is_markup_good(reply.text), "%s", what);
		if (!good || !is_markup_good(reply.text))
			tap_show("text", reply.text);
		is_i64(count_buttons(reply.keyboard, what), cases[n].buttons, "buttons of %s", what);
		ok((reply.keyboard == NULL) == (cases[n].buttons == 0), "no empty keyboard");
		json_drop(reply.keyboard);
		json_drop(notice);
	}
	for (size_t i = 0; notice_name(i) != NULL; i++) {
		bool found = false;

		for (size_t n = 0; n < COUNT(cases); n++)
			found = found || strcmp(cases[n].name, notice_name(i)) == 0;
		ok(found, "%s is in this test", notice_name(i));
	}
}

/* Every argument left out, or of another type, one after another. */
static void test_missing(const struct texts *texts, struct arena *arena)
{
	size_t refused = 0;

	for (size_t n = 0; n < COUNT(cases); n++) {
		json *all = args_of(cases[n].args);

		json_object_object_foreach(all, name, value) {
			for (int wrong = 0; wrong < 3; wrong++) {
				json *notice = notice_new(cases[n].name, json_copy(all));
				json *args = json_at(notice, "args");
				struct reply reply;

				(void)value;
				if (wrong == 0)
					json_object_object_del(args, name);
				else
					json_set(args, name,
						wrong == 1 ? json_new_array() : json_object_new_double(0.5));
				refused += notice_render(texts, "ru", notice, arena, &reply) == NOTICE_STRANGE;
				if (reply.text == NULL || *reply.text == '\0')
					ok(false, "%s without %s has no words", cases[n].name, name);
				json_drop(reply.keyboard);
				json_drop(notice);
			}
		}
		json_drop(all);
	}
	ok(refused > 150, "arguments missing or of another type are told (%zu)", refused);
}

/* A keyboard as it goes out: callback_data (a link in <>), spaces in a row, bars between rows. */
static void test_keyboards(const struct texts *texts, struct arena *arena)
{
	static const struct {
		const char *notice, *want;
	} keyboards[] = {
		{"{\"notice\":\"balance\",\"args\":{" PURSES "}}", "pay|st:9223372036854775807|menu"},
		{"{\"notice\":\"pay_menu\",\"args\":{" PURSES ",\"roubles\":15000,\"packages\":[" PACKAGE "]}}",
			"top:100 top:300|top:500 top:1000|sum|pack:small|menu"},
		{"{\"notice\":\"pay_menu\",\"args\":{" PURSES ",\"roubles\":500}}",
			"top:100 top:300|top:500|sum|menu"},
		{"{\"notice\":\"pay_menu\",\"args\":{" PURSES ",\"roubles\":99}}", "sum|menu"},
		{"{\"notice\":\"pay_menu\",\"args\":{" PURSES ",\"packages\":[" PACKAGE_BARE "," PACKAGE "]}}",
			"pack:aaaaaaaaaaaaaaaaaaaaaaa|pack:small|menu"},
		{"{\"notice\":\"pay_link\",\"args\":{\"payment\":7,\"amount\":" RUB ",\"url\":\"https://p/?a&b\"}}",
			"<https://p/?a&b>|check:7"},
		{"{\"notice\":\"pay_pending\",\"args\":{\"payment\":7,\"amount\":" RUB "}}", "check:7"},
		{"{\"notice\":\"pay_done\",\"args\":{\"amount\":" RUB ",\"balance\":" RUB ",\"quote\":5}}", "go:5|menu"},
		{"{\"notice\":\"pay_done\",\"args\":{\"amount\":" RUB ",\"balance\":" RUB "}}", "menu"},
		{"{\"notice\":\"choice\",\"args\":{\"screen\":7}}",
			"use:7:edit use:7:retouch|use:7:upscale use:7:face_swap|"
			"use:7:add_text use:7:video|x:7"},
		{"{\"notice\":\"ask_video_length\",\"args\":{\"screen\":7,\"model\":\"M\"}}", "vl:7:5 vl:7:10|x:7"},
		{"{\"notice\":\"confirm\",\"args\":{\"mode\":\"edit\",\"quote\":5,\"model\":\"M\","
			"\"models\":1,\"price\":" RUB "}}",
			"go:5|mod:5|no:5"},
		{"{\"notice\":\"history\",\"args\":{\"rows\":[" PAST("completed", "") "," PAST("failed",
			"") "]}}", "get:5|menu"},
		{"{\"notice\":\"debt\",\"args\":{\"debt\":" RUB "}}", "pay"},
		{"{\"notice\":\"statement\",\"args\":{\"rows\":[" ROW("grant", "") "],\"older\":31}}", "st:31|csv"},
		{"{\"notice\":\"statement\",\"args\":{\"rows\":[" ROW("grant", "") "]}}", "csv"},
	};

	for (size_t i = 0; i < COUNT(keyboards); i++) {
		json *notice = json_read(keyboards[i].notice, strlen(keyboards[i].notice));
		struct reply reply;
		struct buf out;

		buf_init(&out, 4096);
		ok(notice_render(texts, "en", notice, arena, &reply) == NOTICE_OK, "rendered: %.60s",
			keyboards[i].notice);
		for (size_t r = 0; r < json_count(reply.keyboard, "inline_keyboard"); r++) {
			json *row = json_object_array_get_idx(json_at(reply.keyboard, "inline_keyboard"), r);

			buf_str(&out, r ? "|" : "");
			for (size_t b = 0; b < json_count(row, ""); b++) {
				json *one = json_object_array_get_idx(row, b);
				const char *url = json_text(one, "url");

				buf_fmt(&out, url ? "%s<%s>" : "%s%s", b ? " " : "",
					url ? url : json_text(one, "callback_data"));
			}
		}
		is_str(buf_text(&out), keyboards[i].want, "keyboard of %.60s", keyboards[i].notice);
		buf_free(&out);
		json_drop(reply.keyboard);
		json_drop(notice);
	}
}

static void test_strange(const struct texts *texts, struct arena *arena)
{
	static const char *const strangers[] = {
		"{}", "[]", "{\"notice\":5}", "{\"notice\":\"no_such\",\"args\":{}}",
		"{\"notice\":\"confirm\",\"args\":[]}", "{\"notice\":\"confirm\",\"args\":{\"quote\":0}}",
		"{\"notice\":\"result\",\"args\":{\"job\":-1}}", "{\"notice\":\"result\",\"args\":{\"job\":\"1\"}}",
		"{\"notice\":\"job_status\",\"args\":{\"job\":1,\"progress\":7}}",
		"{\"notice\":\"job_status\",\"args\":{\"job\":1}}", "{\"notice\":\"pay_soon\",\"args\":{}}",
		"{\"notice\":\"pay_link\",\"args\":{\"payment\":1,\"amount\":" RUB "}}",
		"{\"notice\":\"pay_link\",\"args\":{\"amount\":" RUB ",\"url\":\"https://pay.example/\"}}",
		"{\"notice\":\"pay_pending\",\"args\":{\"payment\":0,\"amount\":" RUB "}}",
		"{\"notice\":\"pay_menu\",\"args\":{" PURSES ",\"packages\":5}}",
		"{\"notice\":\"pay_menu\",\"args\":{" PURSES ",\"packages\":[5]}}",
		"{\"notice\":\"pay_menu\",\"args\":{" PURSES ",\"packages\":[{\"word\":\"Small\",\"credits\":1}]}}",
		"{\"notice\":\"pay_done\",\"args\":{\"amount\":" RUB ",\"balance\":" RUB ",\"quote\":\"5\"}}",
		"{\"notice\":\"statement\",\"args\":{\"rows\":5}}",
			"{\"notice\":\"statement\",\"args\":{\"rows\":[5]}}",
		"{\"notice\":\"statement\",\"args\":{\"rows\":[" ROW("no_such", "") "]}}",
		"{\"notice\":\"statement\",\"args\":{\"rows\":[" ROW("grant", "") "],\"older\":-1}}",
		"{\"notice\":\"alert\",\"args\":{}}", "{\"notice\":\"alert\",\"args\":{\"what\":\"no_such\"}}",
		"{\"notice\":\"job_failed\",\"args\":{\"job\":1,\"reason\":\"no_such\"}}",
		("{\"notice\":\"job_failed\",\"args\":{\"job\":1,\"reason\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}"),
	};
	struct reply reply;

	for (size_t i = 0; i < COUNT(strangers); i++) {
		json *notice = json_read(strangers[i], strlen(strangers[i]));

		ok(notice_render(texts, "ru", notice, arena, &reply) == NOTICE_STRANGE && reply.text != NULL
			&& *reply.text != '\0', "strange, with some text: %.70s", strangers[i]);
		json_drop(reply.keyboard);
		json_drop(notice);
	}
	ok(notice_render(texts, "ru", NULL, arena, &reply) == NOTICE_STRANGE, "null is strange");
	json *notice = notice_new("menu", NULL);

	ok(notice_render(texts, "de", notice, arena, &reply) == NOTICE_OK, "another language is Russian");
	json_drop(reply.keyboard);
	json_drop(notice);
}

int main(void)
{
	char path[512];
	struct buf errors;
	struct arena *arena = arena_new(256 << 20);

	buf_init(&errors, 4096);
	snprintf(path, sizeof path, "%s/etc/texts", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	struct texts *texts = texts_read(path, &errors);

	is_str(buf_text(&errors), "", "texts");
	if (texts != NULL) {
		test_each(texts, arena);
		test_missing(texts, arena);
		test_keyboards(texts, arena);
		test_strange(texts, arena);
	}
	texts_free(texts);
	buf_free(&errors);
	arena_free(arena);
	return tap_done();
}
