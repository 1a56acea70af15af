/* One chunk of an upload packed by itself, quickly rather than well (LZ4): what is sealed, stored and read back is then
 * shorter, and storing it costs the most. A chunk that does not become shorter is kept as it is. The only user of
 * liblz4. */
#ifndef RECKONER_BASE_PACK_H
#define RECKONER_BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_OVERHEAD 5             /* kind and length before the bytes; a packed chunk is at most so much longer */
#define PACK_MAXIMUM  (1024 * 1024) /* of a chunk unpacked */

/* Packs length bytes (at most PACK_MAXIMUM) into out (length + PACK_OVERHEAD bytes); returns how many it wrote. */
size_t chunk_pack(const void *text, size_t length, uint8_t *out);
/* The length of what was packed. false: not packed by us. */
bool chunk_unpack_length(const uint8_t *packed, size_t packed_length, size_t *length);
/* Unpacks into out (length bytes, as chunk_unpack_length says). false: damaged. */
bool chunk_unpack(const uint8_t *packed, size_t packed_length, uint8_t *out, size_t length);

#endif
