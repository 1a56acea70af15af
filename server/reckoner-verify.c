/* The verifier alone: what `reckoner verify BUNDLE` does, in a program that stands by itself. It is linked statically,
 * so that an auditor can copy the one file to a machine that has nothing of ours. */
#include "cli/bundle_verify.h"

#include <stdio.h>
#include <string.h>

/* Returns 2 when it goes to standard error, as for wrong arguments. */
static int usage(FILE *out)
{
    (void)fprintf(out, "usage: reckoner-verify BUNDLE [--key FILE] [--checkpoint KEPT] [--json]\n"
                       "Checks the bundle of a statement offline; says what was checked, what was not, and the first"
                       " difference.\nEnds with status 0 when nothing differs, 1 otherwise, 2 for wrong arguments.\n"
                       "  --key FILE         the service's public key as you kept it, PEM or minisign\n"
                       "  --checkpoint KEPT  the log's checkpoint that you kept\n"
                       "  --json             the findings as JSON\n");
    return out == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
    struct bundle_question q = {NULL, NULL, NULL, false};
    char trouble[BUNDLE_TROUBLE_SIZE];
    for (int i = 1; i < argc; i++) {
        bool key = strcmp(argv[i], "--key") == 0;
        bool checkpoint = strcmp(argv[i], "--checkpoint") == 0;
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout);
        if (strcmp(argv[i], "--json") == 0)
            q.json = true;
        else if ((key || checkpoint) && i + 1 < argc)
            *(key ? &q.key : &q.checkpoint) = argv[++i];
        else if (argv[i][0] != '-' && q.bundle == NULL)
            q.bundle = argv[i];
        else
            return usage(stderr);
    }
    if (q.bundle == NULL)
        return usage(stderr);
    int status = bundle_verify(&q, trouble);
    if (status < 0)
        (void)fprintf(stderr, "reckoner-verify: %s\n", trouble);
    return status < 0 ? 1 : status;
}
