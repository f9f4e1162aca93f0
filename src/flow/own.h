/* What the files of a conversation share, and nobody else. */
#ifndef FLOW_OWN_H
#define FLOW_OWN_H

#include "data/button.h"
#include "data/json.h"
#include "flow/flow.h"
#include "flow/talk.h"

/* What one decision looks at and fills. */
struct flow {
	const struct update *update;
	const struct views *views;
	const struct flow_setting *setting;
	struct arena *arena;
	struct plan *plan;
	struct talk talk;       /* where the person is; what it is at the end is kept */
};

/* flow.c */
struct plan_step *flow_step(struct flow *flow, enum plan_kind kind);
struct plan_step *flow_say(struct flow *flow, const char *notice, json *args);          /* takes args over */
void flow_edit(struct flow *flow, const char *notice, json *args);      /* in place of the pressed message */
void flow_leave(struct flow *flow);                                     /* back to idle */
int64_t flow_purse(const struct views *views, enum money_unit unit);
void flow_set_purses(const struct views *views, json *args);
bool flow_terms_open(const struct flow *flow);                          /* they have not been accepted yet */
json *flow_short(struct money price, int64_t have);                     /* what "short" says */

/* ask.c: the question of a state, with a screen number of its own, so that older ones are dead. */
void ask(struct flow *flow, enum dialog state);
void ask_mode(struct flow *flow, enum mode mode);       /* a mode from its beginning, with the files in talk */

/* modes.c: what arrives */
void take_text(struct flow *flow);
void take_photo(struct flow *flow);
void take_film(struct flow *flow);
void take_other(struct flow *flow);

/* quote.c */
const struct offer *quote_pick(struct flow *flow, enum mode mode);      /* the usual offer; null: none is sold */
const struct offer *quote_video(struct flow *flow, const char *family, enum offer_takes takes, int length_s);
bool quote_words(struct flow *flow, const char *words, bool caption);   /* may be asked for; else it was said why */
void quote_propose(struct flow *flow, const struct offer *offer, const char *words);    /* talk.files are given */
void quote_press(struct flow *flow, const struct button *button);

/* pay.c */
void pay_menu(struct flow *flow);
void pay_sum_ask(struct flow *flow, const char *notice);
void pay_sum_take(struct flow *flow);
void pay_press(struct flow *flow, const struct button *button);
void pay_statement(struct flow *flow);

/* command.c */
void command_take(struct flow *flow);
void command_menu(struct flow *flow);
void command_page(struct flow *flow, enum flow_page page);
void command_terms(struct flow *flow);

/* admin.c */
bool admin_is(const struct flow *flow);
bool admin_command(struct flow *flow);                  /* false: no command of theirs */
void admin_press(struct flow *flow, const struct button *button);
void admin_take_message(struct flow *flow);             /* what is to go to many */

/* press.c */
void press_take(struct flow *flow);

#endif
