/* Audit samples of the rows behind a statement, drawn so that neither side chose them: by a seed of the log's
 * checkpoint and the auditor's nonce. Whole numbers alone, so that every program draws the same. Pure; libsodium must
 * be initialised. api/formats/sampling.md says the rules. */
#ifndef RECKONER_DOMAIN_SAMPLING_H
#define RECKONER_DOMAIN_SAMPLING_H

#include "base/date.h"
#include "domain/sampling_factor.h"

#define SAMPLE_SEED      32
#define SAMPLE_NONCE_MAX 64
/* Most pence that the rows of a frame add up to, and the most that one row is worth: ten million million pounds and
 * ten million. Beyond them nothing is drawn: products of the evaluation must fit in 128 bits. */
#define SAMPLE_PENCE_MAX     INT64_C(1000000000000000)
#define SAMPLE_ROW_PENCE_MAX INT64_C(1000000000)
#define SAMPLE_ROWS_MAX      INT32_C(100000000)

enum sample_method {
    SAMPLE_RANDOM, /* every row has the same chance */
    SAMPLE_MUS     /* every pound has the same chance: monetary units, by interval from a random start */
};
const char *sample_method_name(enum sample_method method);
bool sample_method_parse(const char *name, enum sample_method *out);

/* 1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit. */
bool sample_nonce_good(const char *nonce, size_t length);

/* SHA-256("reckoner/sample/1\n" || root of the checkpoint || nonce). */
void sample_seed(const uint8_t root[32], const char *nonce, uint8_t out[SAMPLE_SEED]);

/* A row of the population. */
struct sample_row {
    int64_t pence; /* what it adds to activity lines */
    month_t month;
    int32_t row_no;
    int32_t team; /* place in the frame's teams */
};

/* The population, in order of month and row_no. Owns its arrays; zeroed: empty. */
struct sample_frame {
    struct sample_row *row;
    size_t count;
    size_t room;
    char **team; /* names, in the order in which they came */
    int32_t *by_name;
    int32_t teams;
    int32_t team_room;
};
enum sample_status {
    SAMPLE_DONE,
    SAMPLE_NO_MEMORY,
    SAMPLE_TOO_LARGE, /* a row or the sum beyond the limits above */
    SAMPLE_ROW_TWICE, /* two rows of one month and number */
    SAMPLE_NOTHING,   /* no row, or no row of any value for SAMPLE_MUS */
    SAMPLE_TOO_MANY   /* more picks than pence */
};
enum sample_status sample_frame_add(struct sample_frame *f, month_t month, int32_t row_no, const char *team,
                                    int64_t pence);
/* Why nothing can be drawn, for people; of other than SAMPLE_DONE. */
const char *sample_why_not(enum sample_status status);
/* Puts the rows in order, whatever the order they came in. */
enum sample_status sample_frame_sort(struct sample_frame *f);
void sample_frame_free(struct sample_frame *f);

struct sample_pick {
    size_t row;                /* place in the frame */
    uint8_t rank[SAMPLE_SEED]; /* SAMPLE_RANDOM: SHA-256(seed || "2012-04/17"); the smallest are picked */
    int32_t first_hit;         /* SAMPLE_MUS: number of the first hit, from 1; hits follow each other */
    int32_t hits;              /* 1 or more */
    int64_t point;             /* the pence that the first hit falls on, from 1, of all reached */
    bool certain;              /* the row is worth the interval or more, so that no start could miss it */
};

/* Counts and sums of the population. */
struct sample_population {
    int64_t rows;
    int64_t pence;
    int64_t reached_rows; /* SAMPLE_RANDOM: all. SAMPLE_MUS: those of more than 0 pence */
    int64_t reached_pence;
    int64_t zero_rows;
    int64_t negative_rows;
    int64_t negative_pence;
};

struct sample {
    enum sample_method method;
    int32_t size; /* random picks, at most the rows; or hits */
    uint8_t seed[SAMPLE_SEED];
    struct sample_population population;
    struct sample_pick *pick; /* by rank, or in the frame's order */
    int32_t count;            /* rows picked: of SAMPLE_MUS fewer than hits where a row is hit more than once */
};

/* Draws from a sorted frame. size: 1..SAMPLE_SIZE_MAX. *out is filled for SAMPLE_DONE alone; sample_free.
 *
 * SAMPLE_RANDOM takes the `size` rows of the smallest rank. SAMPLE_MUS lays the rows of more than 0 pence end to end,
 * T pence; with u = SHA-256(seed || "start") mod T, hit k (0..size - 1) falls on pence floor((k * T + u) / size) + 1.
 * So every pence has the chance size / T to the dot, and a row worth T / size or more is always taken. */
enum sample_status sample_draw(const struct sample_frame *f, enum sample_method method, int32_t size,
                               const uint8_t seed[SAMPLE_SEED], struct sample *out);
void sample_free(struct sample *s);

#endif
