/* callback_data: what is taken is what we would have written. */
#include "data/button.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char data[256], again[BUTTON_BYTES];
	struct button button;
	size_t length = size < sizeof data - 1 ? size : sizeof data - 1;

	memcpy(data, bytes, length);
	data[length] = '\0';
	if (button_read(data, &button) == 0) {
		button_write(&button, again);
		HOLDS(strcmp(data, again) == 0);
	}
	return 0;
}
