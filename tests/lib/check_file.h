/* Check files for tests: what stands in a text is made to fit the program under test. */
#ifndef RECKONER_TESTS_CHECK_FILE_H
#define RECKONER_TESTS_CHECK_FILE_H

#include "domain/check_file.h"

/* Gives a check file the rule set of this program, and each reference file the digest of its content. */
void check_file_fit(json_t *root);

#endif
