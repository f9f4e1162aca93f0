/* What the bytes of a file are. */
#include "provider/sniff.h"

#include "tap.h"

#define BYTES(text) (const unsigned char *)(text), sizeof(text) - 1

#define PNG "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"
#define JPEG "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
#define SOF0 "\xff\xc0\0\x11\x08\x02\x58\x03\x20\x03\1\"\0\2\x11\1\3\x11\1"
#define WEBP(kind) "RIFF\x24\0\0\0WEBP" kind

static const struct {
	const unsigned char *bytes;
	size_t length;
	const char *type;               /* null: nothing we take */
	int32_t width;
	int32_t height;
	const char *name;
} files[] = {
	{BYTES(PNG "\0\0\4\0\0\0\3\0\x08\2\0\0\0"), "image/png", 1024, 768, "PNG"},
	{BYTES(PNG "\0\0\0\0\0\0\3\0"), NULL, 0, 0, "PNG without a width"},
	{BYTES(PNG "\xff\xff\xff\xff\0\0\3\0"), NULL, 0, 0, "PNG of a size beyond all"},
	{BYTES(PNG "\0\0\4"), NULL, 0, 0, "half a PNG"},
	{BYTES("\x89PNG\r\n\x1a\n\0\0\0\x0dtEXt\0\0\4\0\0\0\3\0"), NULL, 0, 0, "PNG without its header"},
	{BYTES(JPEG SOF0), "image/jpeg", 800, 600, "JPEG"},
	{BYTES(JPEG "\xff\xff\xff\xc2\0\x11\x08\x02\x58\x03\x20\x03\1\"\0"),
		"image/jpeg", 800, 600, "progressive, fill bytes"},
	{BYTES(JPEG "\xff\xc4\0\4\0\0" SOF0), "image/jpeg", 800, 600, "a table before the frame"},
	{BYTES(JPEG "\xff\xda\0\4\0\0"), NULL, 0, 0, "JPEG without a frame"},
	{BYTES(JPEG), NULL, 0, 0, "JPEG that ends"},
	{BYTES("\xff\xd8\xff\xe0\xff\xff" "xxxxxxxxxxxx"), NULL, 0, 0, "JPEG that points beyond its end"},
	{BYTES("\xff\xd8\xff\xe0\0\0\0\0\0\0\0\0"), NULL, 0, 0, "JPEG whose segment has no length"},
	{BYTES(WEBP("VP8X") "\x0a\0\0\0\0\0\0\0\xff\3\0\xff\2\0"), "image/webp", 1024, 768, "WebP, extended"},
	{BYTES(WEBP("VP8 ") "\x0a\0\0\0\0\0\0\x9d\1\x2a\0\4\0\3"), "image/webp", 1024, 768, "WebP, lossy"},
	{BYTES(WEBP("VP8L") "\x0a\0\0\0\x2f\xff\xc3\xbf\0\0\0\0\0\0"), "image/webp", 1024, 768, "WebP, lossless"},
	{BYTES(WEBP("VP8 ") "\x0a\0\0\0\0\0\0\0\0\0\0\4\0\3"), NULL, 0, 0, "WebP without a frame"},
	{BYTES(WEBP("VP8X")), NULL, 0, 0, "half a WebP"},
	{BYTES("\0\0\0\x18" "ftypisom\0\0\2\0"), "video/mp4", 0, 0, "MP4"},
	{BYTES("\0\0\0\x18" "ftypmp42\0\0\2\0"), "video/mp4", 0, 0, "MP4, version 2"},
	{BYTES("\0\0\0\x14" "ftypqt  \0\0\2\0"), "video/mp4", 0, 0, "QuickTime"},
	{BYTES("\0\0\0\x18" "ftypheic\0\0\2\0"), NULL, 0, 0, "HEIC"},
	{BYTES("\0\0\0\x18" "ftypavif\0\0\2\0"), NULL, 0, 0, "AVIF"},
	{BYTES("GIF89a\0\4\0\3"), NULL, 0, 0, "GIF"},
	{BYTES("<!doctype html><title>x</title>"), NULL, 0, 0, "HTML"},
	{BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), NULL, 0, 0, "SVG"},
	{BYTES(""), NULL, 0, 0, "nothing"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct sniff sniff;
		bool known = sniff_bytes(files[i].bytes, files[i].length, &sniff);

		is_i64(known, files[i].type != NULL, "%s", files[i].name);
		if (known && files[i].type != NULL) {
			is_str(sniff.type, files[i].type, "its type");
			is_i64(sniff.width, files[i].width, "its width");
			is_i64(sniff.height, files[i].height, "its height");
		}
		/* Cut anywhere it must not be read beyond its end: an exact copy shows that to the sanitizer. */
		for (size_t length = 0; length <= files[i].length; length++) {
			unsigned char *copy = malloc(length + 1);

			memcpy(copy, files[i].bytes, length);
			copy = realloc(copy, length > 0 ? length : 1);
			(void)!sniff_bytes(copy, length, &sniff);
			free(copy);
		}
	}
	return tap_done();
}
