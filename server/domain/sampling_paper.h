/* The working paper of a sample: a CSV file with one line for each row picked, why it was picked, and empty columns for
 * what the auditor finds. Written for people; what comes back is read strictly, because it comes from outside, and each
 * column that we wrote must be as we wrote it. Pure. api/formats/sampling.md. */
#ifndef RECKONER_DOMAIN_SAMPLING_PAPER_H
#define RECKONER_DOMAIN_SAMPLING_PAPER_H

#include "base/buf.h"
#include "base/ident.h"
#include "domain/episode.h"
#include "domain/sampling.h"

/* Longest paper that is read or written, and longest line. */
#define SAMPLE_PAPER_MAX (8 * 1024 * 1024)
#define SAMPLE_LINE_MAX  4096
/* Longest remark in bytes. */
#define SAMPLE_REMARK_MAX 1000

/* What the paper shows of a picked row beside its pence. */
struct sample_detail {
    char tag[IDENT_SIZE];
    char cluster[3];
    char team[EPISODE_SERVICE_SIZE];
};

/* What a paper says of itself: with the population, enough to draw its sample again. */
struct sample_heading {
    enum sample_method method;
    int32_t size;
    char nonce[SAMPLE_NONCE_MAX + 1];
    uint8_t seed[SAMPLE_SEED];
};

/* What the auditor found on one row. */
struct sample_judgement {
    bool examined;        /* a cluster or payable days are given */
    bool compared;        /* a second rater's cluster, or `none`, is given */
    bool nothing;         /* `none`: the record bears out nothing, so that nothing is payable */
    int16_t cluster;      /* 0..21; -1: not given */
    int32_t payable_days; /* 0..31; -1: not given */
};

struct sample_problem {
    int64_t line;        /* from 1; 0: the paper as a whole */
    const char *column;  /* NULL: the line as a whole */
    const char *message; /* in plain words */
};

/* Appends the paper. details holds one for each pick. false: out is full or there is no memory. */
bool sample_paper_write(const struct sample *s, const struct sample_frame *f, const char *nonce,
                        const struct sample_detail *details, struct buf *out);

/* Reads what the first line behind the header says of the sample. false: *problem says why. */
bool sample_paper_heading(const char *text, size_t length, struct sample_heading *out, struct sample_problem *problem);

/* Reads the findings; the lines may come in any order, each pick once. judgements holds one for each pick and is filled
 * in the order of the picks. false: *problem says why. */
bool sample_paper_read(const char *text, size_t length, const struct sample *s, const struct sample_frame *f,
                       const char *nonce, const struct sample_detail *details, struct sample_judgement *judgements,
                       struct sample_problem *problem);

#endif
