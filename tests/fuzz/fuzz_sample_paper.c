/* The reader of working papers, which come back from outside: what it takes has each pick once, with findings within
 * their limits, and a paper as it was written is taken. */
#include "domain/sampling_paper.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 6
#define SIZE 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void read_as(enum sample_method method, const char *text, size_t length)
{
    static const char nonce[] = "fuzz";
    const uint8_t root[32] = {7};
    uint8_t seed[SAMPLE_SEED];
    struct sample_frame f = {0};
    struct sample s;
    struct sample_judgement judgements[SIZE];
    struct sample_problem problem = {0, NULL, NULL};
    struct buf paper;
    struct sample_detail details[SIZE];
    for (int32_t i = 0; i < ROWS; i++)
        must(sample_frame_add(&f, 2012 * 12 + 3, i + 1, "T", 100 * i) == SAMPLE_DONE);
    sample_seed(root, nonce, seed);
    must(sample_frame_sort(&f) == SAMPLE_DONE && sample_draw(&f, method, SIZE, seed, &s) == SAMPLE_DONE);
    for (int32_t i = 0; i < SIZE; i++)
        details[i] = (struct sample_detail){"bcdfghjklmnpqrstvwxz", "04", "T"};
    buf_init(&paper, SAMPLE_PAPER_MAX);
    must(sample_paper_write(&s, &f, nonce, details, &paper));
    must(sample_paper_read(paper.data, paper.length, &s, &f, nonce, details, judgements, &problem));
    if (sample_paper_read(text, length, &s, &f, nonce, details, judgements, &problem)) {
        for (int32_t i = 0; i < s.count; i++) {
            const struct sample_judgement *j = &judgements[i];
            must(j->cluster >= -1 && j->cluster <= 21 && j->payable_days >= -1 && j->payable_days <= 31);
            must(j->examined == (j->compared || j->payable_days >= 0) && (!j->nothing || j->cluster == -1));
        }
    } else {
        must(problem.message != NULL);
    }
    buf_free(&paper);
    sample_free(&s);
    sample_frame_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct sample_heading heading;
    struct sample_problem problem = {0, NULL, NULL};
    bool is_paper = sample_paper_heading(text, size, &heading, &problem);
    must(is_paper ? heading.size >= 1 && heading.size <= SAMPLE_SIZE_MAX : problem.message != NULL);
    read_as(SAMPLE_RANDOM, text, size);
    read_as(SAMPLE_MUS, text, size);
    return 0;
}
