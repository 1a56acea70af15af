/* What a commissioner sees instead of a patient: a keyed hash per commissioner and financial year, written with letters
 * alone. Neither two commissioners nor two years can be joined by it, and nobody without the worker's key computes or
 * undoes it. Source: spec 2, Who sees what. */
#ifndef RECKONER_WORKER_PSEUDONYM_H
#define RECKONER_WORKER_PSEUDONYM_H

#include "base/ident.h"

#define PSEUDONYM_KEY_SIZE 32

/* financial_year: the year in which it begins. patient: the keyed hash of the patient in its provider
 * (episode.patient), so the patients of two providers differ too. libsodium must be initialised. */
void pseudonym_make(const uint8_t key[PSEUDONYM_KEY_SIZE], const char *commissioner, int financial_year,
                    const uint8_t patient[16], char out[IDENT_SIZE]);

#endif
