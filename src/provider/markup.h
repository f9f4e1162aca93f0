/* HTML as Telegram's parse_mode takes it, turned back into plain words. */
#ifndef PROVIDER_MARKUP_H
#define PROVIDER_MARKUP_H

#include "base/arena.h"

/* The words without tags, and with &lt; &gt; &amp; &quot; and numeric entities undone; what is no tag or entity
 * stays as it is. The result lives in the arena. */
char *markup_strip(const char *html, struct arena *arena);

#endif
