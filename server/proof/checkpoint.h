/* Checkpoints of the log: a size and a root, in the text form of C2SP tlog-checkpoint, in a signed note (C2SP
 * signed-note), with cosignatures (C2SP tlog-cosignature). Pure; libsodium must be initialised.
 *
 *     reckoner.example/log          origin: which log
 *     42                            size
 *     CsUYapGGPo4dk...              root, base64
 *                                   (blank)
 *     — reckoner.example/log Az3g... one line for each signature: key id and signature, base64
 *
 * The log signs twice: as the note says, and as a cosignature, whose message carries the time. */
#ifndef RECKONER_PROOF_CHECKPOINT_H
#define RECKONER_PROOF_CHECKPOINT_H

#include "base/buf.h"
#include "proof/merkle.h"
#include "signing/public_key.h"

#define NOTE_NAME_SIZE      128   /* origin or key name, with its NUL */
#define NOTE_SIGNATURES_MAX 32    /* lines of a note that are kept */
#define NOTE_SIZE_MAX       16384 /* longest note that is read */
#define NOTE_KEY_ID         4

enum note_kind {
    NOTE_ED25519 = 0x01,    /* signs the body */
    NOTE_COSIGNATURE = 0x04 /* signs a time and the body */
};

struct note_signature {
    char name[NOTE_NAME_SIZE];
    uint8_t key_id[NOTE_KEY_ID];
    bool timed;    /* long enough for a cosignature: the time is set */
    uint64_t time; /* seconds since 1970 */
    uint8_t signature[SIGNATURE_SIZE];
};

struct checkpoint {
    char origin[NOTE_NAME_SIZE];
    uint64_t size;
    struct merkle_hash root;
};

/* A note as it was read. Signatures of other lengths than ours are passed over, as are those beyond the maximum. */
struct checkpoint_note {
    struct checkpoint checkpoint;
    size_t body; /* bytes that are signed: up to and with the line end before the blank line */
    size_t count;
    struct note_signature signature[NOTE_SIGNATURES_MAX];
};

/* Whether a text may be an origin or a key name here: 1..127 visible ASCII characters but the plus sign. */
bool note_name_good(const char *name);

/* Appends the body, as it is signed. false when the origin is no name or out is full. */
bool checkpoint_body(const struct checkpoint *c, struct buf *out);
/* Appends what a signature of this kind of the body signs; time is used by cosignatures alone. */
bool note_message(enum note_kind kind, uint64_t time, const char *body, size_t length, struct buf *out);
/* Appends the signature line of a key under a name. */
bool note_line(const char *name, enum note_kind kind, const uint8_t key[PUBLIC_KEY_SIZE], uint64_t time,
               const uint8_t signature[SIGNATURE_SIZE], struct buf *out);
/* Appends a signature line; timed signatures carry their time. */
bool note_signature_line(const struct note_signature *s, struct buf *out);

/* Reads a note, or a body alone. *where gets what is wrong in plain words (borrowed) when the answer is false. */
bool checkpoint_read(const char *text, size_t length, struct checkpoint_note *out, const char **where);

/* Whether the note (text as read) has a good signature of this kind by this key under this name. time: when not NULL
 * and the kind is timed, the time signed. */
bool note_signed_by(const char *text, const struct checkpoint_note *n, const char *name, enum note_kind kind,
                    const uint8_t key[PUBLIC_KEY_SIZE], uint64_t *time);

/* A verifier key in the note form "name+hexkeyid+base64(kind || key)". out holds NOTE_VKEY_SIZE bytes. */
#define NOTE_VKEY_SIZE (NOTE_NAME_SIZE + 64)
bool note_vkey_format(const char *name, enum note_kind kind, const uint8_t key[PUBLIC_KEY_SIZE],
                      char out[NOTE_VKEY_SIZE]);
/* false when the text is none, or its key id does not follow from the rest. */
bool note_vkey_parse(const char *text, size_t length, char name[NOTE_NAME_SIZE], enum note_kind *kind,
                     uint8_t key[PUBLIC_KEY_SIZE]);

#endif
