/* Magic bytes and sizes: PNG (RFC 2083), JPEG (T.81), WebP (RFC 9649), MP4 (ISO 14496-12). */
#include "provider/sniff.h"

#include <string.h>

static uint32_t big(const unsigned char *at, int bytes)
{
	uint32_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | *at++;
	return value;
}

static uint32_t little(const unsigned char *at, int bytes)
{
	uint32_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

static bool has(const unsigned char *bytes, size_t length, size_t at, const char *magic, size_t count)
{
	return at + count <= length && memcmp(bytes + at, magic, count) == 0;
}

static bool size_set(struct sniff *sniff, uint32_t width, uint32_t height)
{
	if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
		return false;
	sniff->width = (int32_t)width;
	sniff->height = (int32_t)height;
	return true;
}

static bool png(const unsigned char *bytes, size_t length, struct sniff *sniff)
{
	sniff->type = "image/png";
	sniff->ending = "png";
	return length >= 24 && has(bytes, length, 12, "IHDR", 4)
		&& size_set(sniff, big(bytes + 16, 4), big(bytes + 20, 4));
}

/* Whether a marker begins a frame: SOF0 … SOF15 without DHT, JPG and DAC. */
static bool starts_frame(unsigned marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool jpeg(const unsigned char *bytes, size_t length, struct sniff *sniff)
{
	size_t at = 2;

	sniff->type = "image/jpeg";
	sniff->ending = "jpg";
	while (at + 9 <= length && bytes[at] == 0xff) {
		unsigned marker = bytes[at + 1];

		if (marker == 0xff) {                   /* a fill byte */
			at++;
			continue;
		}
		if (starts_frame(marker))
			return size_set(sniff, big(bytes + at + 7, 2), big(bytes + at + 5, 2));
		if (marker == 0xd9 || marker == 0xda)   /* the picture itself, without a size before */
			return false;
		at += 2 + (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7) ? 0 : big(bytes + at + 2, 2));
	}
	return false;
}

static bool webp(const unsigned char *bytes, size_t length, struct sniff *sniff)
{
	sniff->type = "image/webp";
	sniff->ending = "webp";
	if (length < 30)
		return false;
	if (has(bytes, length, 12, "VP8X", 4))
		return size_set(sniff, 1 + little(bytes + 24, 3), 1 + little(bytes + 27, 3));
	if (has(bytes, length, 12, "VP8 ", 4) && has(bytes, length, 23, "\x9d\x01\x2a", 3))
		return size_set(sniff, little(bytes + 26, 2) & 0x3fff, little(bytes + 28, 2) & 0x3fff);
	if (has(bytes, length, 12, "VP8L", 4) && bytes[20] == 0x2f) {
		uint32_t bits = little(bytes + 21, 4);

		return size_set(sniff, 1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff));
	}
	return false;
}

static bool mp4(const unsigned char *bytes, size_t length, struct sniff *sniff)
{
	/* The same box begins HEIC and AVIF pictures, so the brand decides. Telephones film in QuickTime, its parent. */
	static const char brands[][5] = {
		"isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4V ", "qt  ",
	};

	sniff->type = "video/mp4";
	sniff->ending = "mp4";
	for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++)
		if (has(bytes, length, 8, brands[i], 4))
			return true;
	return false;
}

bool sniff_bytes(const unsigned char *bytes, size_t length, struct sniff *sniff)
{
	*sniff = (struct sniff){0};
	if (has(bytes, length, 0, "\x89PNG\r\n\x1a\n", 8))
		return png(bytes, length, sniff);
	if (has(bytes, length, 0, "\xff\xd8\xff", 3))
		return jpeg(bytes, length, sniff);
	if (has(bytes, length, 0, "RIFF", 4) && has(bytes, length, 8, "WEBP", 4))
		return webp(bytes, length, sniff);
	if (has(bytes, length, 4, "ftyp", 4))
		return mp4(bytes, length, sniff);
	return false;
}
