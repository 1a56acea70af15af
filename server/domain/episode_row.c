#include "domain/episode_row.h"

#include "base/text.h"
#include "domain/habits.h"

#include <string.h>

enum nhs_verdict nhs_number_check(const char *text, size_t length, char digits[11])
{
    size_t n = 0;
    digits[0] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ')
            continue;
        if (!is_digit(text[i]))
            return NHS_BAD_CHARACTER;
        if (n < 10)
            digits[n] = text[i];
        n++;
    }
    digits[n < 10 ? n : 10] = '\0';
    if (n == 0)
        return NHS_BLANK;
    if (n != 10) {
        digits[0] = '\0';
        return NHS_BAD_LENGTH;
    }
    if (strspn(digits, (char[2]){digits[0], '\0'}) == 10)
        return NHS_DENIED;
    /* 1000000001 .. 9000000009: the same digit first and last around eight zeros. */
    if (digits[0] == digits[9] && memcmp(digits + 1, "00000000", 8) == 0)
        return NHS_DENIED;
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += (digits[i] - '0') * (10 - i);
    int check = 11 - sum % 11;
    if (check == 11)
        check = 0;
    return check == digits[9] - '0' ? NHS_VALID : NHS_BAD_CHECK; /* a check of 10 equals no digit */
}

/* Whole number of at most three digits; -1 when it is none. */
static int small_number(struct text t)
{
    if (t.length == 0 || t.length > 3)
        return -1;
    int value = 0;
    for (size_t i = 0; i < t.length; i++) {
        if (!is_digit(t.at[i]))
            return -1;
        value = value * 10 + (t.at[i] - '0');
    }
    return value;
}

static date_t read_date(struct episode_row *out, enum column c)
{
    struct text t = out->raw->field[c];
    date_t d = DATE_NONE;
    if (t.length > 0 && !date_parse(t.at, t.length, &d)) {
        out->unreadable |= (uint64_t)1 << c;
        return DATE_NONE;
    }
    return d;
}

static int16_t read_cluster(struct text t)
{
    int value = t.length <= 2 ? small_number(t) : -1;
    return (int16_t)(value < 0 ? CLUSTER_NONE : value);
}

static const char cluster_digits[] = "00010203040506070809";

static void read_clusters(struct episode_row *out, const struct raw_row *raw)
{
    out->cluster_text = raw->field[COLUMN_CLUSTER];
    out->cluster = read_cluster(out->cluster_text);
    if (out->cluster >= 0 && out->cluster_text.length == 1)
        out->cluster_text = (struct text){cluster_digits + 2 * out->cluster, 2};
    out->cluster_initial = read_cluster(raw->field[COLUMN_CLUSTER_INITIAL]);
    struct text super_class = raw->field[COLUMN_SUPER_CLASS];
    out->super_class = super_class.length == 0 ? '\0' : super_class.length == 1 ? super_class.at[0] : '?';
}

static void read_person(struct episode_row *out, const struct raw_row *raw)
{
    out->patient_id = raw->field[COLUMN_PATIENT_ID];
    struct text nhs = raw->field[COLUMN_NHS_NUMBER];
    out->nhs = nhs_number_check(nhs.at, nhs.length, out->nhs_digits);
    if (out->nhs != NHS_VALID)
        out->nhs_digits[0] = '\0';
    struct text status = raw->field[COLUMN_NHS_NUMBER_STATUS];
    int value = small_number(status);
    out->nhs_status = 0;
    if (status.length > 0)
        out->nhs_status = (int8_t)(status.length == 2 && value >= 1 && value <= 7 ? value : -1);
}

static void read_ratings(struct episode_row *out, const struct raw_row *raw)
{
    for (int i = 0; i < RATING_COUNT; i++) {
        struct text t = raw->field[COLUMN_H1 + i];
        char c = t.length == 1 ? t.at[0] : '\0';
        out->rating[i] = (int8_t)((c >= '0' && c <= '4') || c == '9' ? c - '0' : -1);
    }
}

/* Characters of valid UTF-8. */
static size_t characters(struct text t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.length; i++)
        n += (t.at[i] & 0xC0) != 0x80;
    return n;
}

static void limit(struct episode_row *out, enum column c, size_t most)
{
    struct text t = out->raw->field[c];
    if ((t.length > most && characters(t) > most) || is_word_for_nothing(t))
        out->unreadable |= (uint64_t)1 << c;
}

/* Episode ids are sorted, hashed and stored at a fixed size: printable ASCII keeps 20 characters at 20 bytes. */
static void read_episode_id(struct episode_row *out, const struct raw_row *raw)
{
    out->episode_id = raw->field[COLUMN_EPISODE_ID];
    bool right = out->episode_id.length >= 1 && out->episode_id.length <= 20 && !is_word_for_nothing(out->episode_id);
    for (size_t i = 0; right && i < out->episode_id.length; i++)
        right = out->episode_id.at[i] >= ' ' && out->episode_id.at[i] <= '~';
    if (!right) {
        out->unreadable |= (uint64_t)1 << COLUMN_EPISODE_ID;
        out->episode_id.length = 0;
    }
}

static void read_texts(struct episode_row *out, const struct raw_row *raw)
{
    read_episode_id(out, raw);
    out->commissioner = raw->field[COLUMN_COMMISSIONER];
    out->service = raw->field[COLUMN_SERVICE];
    limit(out, COLUMN_SERVICE, 12);
    limit(out, COLUMN_COMMISSIONER_REASON, 40);
    limit(out, COLUMN_APPROVAL_REF, 20);
    out->approved = raw->field[COLUMN_APPROVAL_REF].length > 0;
}

static void read_flags(struct episode_row *out, const struct raw_row *raw)
{
    struct text only = raw->field[COLUMN_ASSESSMENT_ONLY];
    out->assessment_only = only.length == 1 && only.at[0] == 'Y';
    if (only.length > 0 && !out->assessment_only)
        out->unreadable |= (uint64_t)1 << COLUMN_ASSESSMENT_ONLY;
    int reason = small_number(raw->field[COLUMN_MHCT_REASON]);
    out->mhct_reason = (int16_t)(reason == 10 || reason == 11 || reason == 12 || reason == 97 ? reason : 0);
    if (out->mhct_reason == 0 && raw->field[COLUMN_MHCT_REASON].length > 0)
        out->unreadable |= (uint64_t)1 << COLUMN_MHCT_REASON;
    struct text days = raw->field[COLUMN_ADMITTED_DAYS];
    int admitted = days.length == 0 ? 0 : small_number(days);
    out->admitted_days = (int16_t)(admitted > 31 ? -1 : admitted);
}

void episode_row_read(struct episode_row *out, const struct raw_row *raw)
{
    out->raw = raw;
    out->row_no = raw->row_no;
    out->unreadable = 0;
    read_person(out, raw);
    read_clusters(out, raw);
    read_texts(out, raw);
    read_flags(out, raw);
    read_ratings(out, raw);
    out->birth = read_date(out, COLUMN_BIRTH_DATE);
    out->referral = read_date(out, COLUMN_REFERRAL_DATE);
    out->referral_end = read_date(out, COLUMN_REFERRAL_END);
    out->start = read_date(out, COLUMN_START_DATE);
    out->end = read_date(out, COLUMN_END_DATE);
    out->mhct = read_date(out, COLUMN_MHCT_DATE);
    out->last_contact = read_date(out, COLUMN_LAST_CONTACT);
    out->discharge_mhct = read_date(out, COLUMN_DISCHARGE_MHCT_DATE);
}

int32_t cluster_days(date_t start, date_t end, month_t month)
{
    date_t from = month_first(month);
    date_t to = month_last(month) + 1;
    if (start == DATE_NONE)
        return 0;
    if (start > from)
        from = start;
    if (end != DATE_NONE && end < to)
        to = end;
    return to > from ? to - from : 0;
}

int32_t cluster_days_inclusive(date_t start, date_t end, month_t month, bool continues)
{
    bool extend = end != DATE_NONE && !continues && start != DATE_NONE && end >= start;
    return cluster_days(start, extend ? end + 1 : end, month);
}
