#include "lib/reference.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const program = "tests/lib/second_runs.py";

void reference_open(struct reference *r)
{
    memset(r, 0, sizeof *r);
    r->cases = tmpfile();
    r->answers = tmpfile();
    ck_assert(r->cases != NULL && r->answers != NULL);
}

void reference_ask(struct reference *r, json_t *question)
{
    char *text = json_dumps(question, JSON_COMPACT);
    if (text == NULL || fprintf(r->cases, "%s\n", text) < 0)
        ck_abort_msg("a case could not be written");
    free(text);
    json_decref(question);
}

void reference_run(struct reference *r)
{
    ck_assert_int_eq(fflush(r->cases), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (lseek(fileno(r->cases), 0, SEEK_SET) < 0 || dup2(fileno(r->cases), 0) < 0 ||
            dup2(fileno(r->answers), 1) < 0)
            _exit(126);
        execlp("python3", "python3", "-B", program, (char *)NULL);
        _exit(127);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with status %d", program, status);
    rewind(r->answers);
}

json_t *reference_next(struct reference *r)
{
    struct json_problem problem;
    ssize_t length = getline(&r->line, &r->size, r->answers);
    json_t *answer = length > 0 ? json_read(r->line, (size_t)length - 1, &problem) : NULL;
    if (answer == NULL)
        ck_abort_msg("the second implementation gave too few answers");
    return answer;
}

void reference_close(struct reference *r)
{
    free(r->line);
    fclose(r->cases);
    fclose(r->answers);
}

const json_t *reference_line(const json_t *position, const char *key)
{
    size_t i;
    json_t *line;
    json_array_foreach(json_object_get(position, "lines"), i, line)
    {
        const char *name = json_text(line, "key");
        if (name != NULL && strcmp(name, key) == 0)
            return line;
    }
    return NULL;
}
