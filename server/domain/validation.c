#include "domain/validation.h"

#include "domain/finding_text.h"
#include "domain/habits.h"

#include <stdio.h>
#include <string.h>

#define BIT(rule) ((rule_set_t)1 << RULE_BIT_##rule)

/* Full years. Who was born on 29 February becomes a year older on 1 March where there is no such day. */
static int32_t age_on(date_t birth, date_t day)
{
    struct civil b = date_to_civil(birth), d = date_to_civil(day);
    bool birthday_comes = d.month < b.month || (d.month == b.month && d.day < b.day);
    return d.year - b.year - birthday_comes;
}

bool is_minor(date_t birth, month_t month)
{
    date_t last = month_last(month);
    /* Nearly all are far over 18: a year has at most 366 days, and the calendar need not be asked. */
    return birth != DATE_NONE && birth > last - 18 * 366 && age_on(birth, last) < 18;
}

/* The context with what every row would otherwise compute anew. */
struct scope {
    const struct upload_context *x;
    date_t first; /* first and last day of the month */
    date_t last;
};

static struct scope scope_of(const struct upload_context *x)
{
    return (struct scope){x, month_first(x->month), month_last(x->month)};
}

/* Days on which the commissioner must be right: the days of service in the month, or the start when there is none. */
struct span {
    date_t from;
    date_t to; /* exclusive */
};

static struct span service_days(const struct scope *m, const struct episode_row *row)
{
    date_t behind = m->last + 1;
    struct span s = {row->start > m->first ? row->start : m->first, behind};
    if (row->end != DATE_NONE && row->end < behind)
        s.to = row->end;
    if (row->start == DATE_NONE)
        return (struct span){m->first, m->first + 1};
    if (row->assessment_only || s.to <= s.from)
        return (struct span){row->start, row->start + 1};
    return s;
}

static bool is_code(struct text t, size_t least, size_t most)
{
    for (size_t i = 0; i < t.length; i++) {
        if (!((t.at[i] >= 'A' && t.at[i] <= 'Z') || (t.at[i] >= '0' && t.at[i] <= '9')))
            return false;
    }
    return t.length >= least && t.length <= most;
}

/* First day of the span on which the commissioner is not live; DATE_NONE when it is on all. *known: the code exists. */
static date_t commissioner_gap(const struct upload_context *x, code_t code, struct span s, bool *known)
{
    size_t low = 0, high = x->commissioner_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (x->commissioners[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    date_t day = s.from;
    *known = low < x->commissioner_count && x->commissioners[low].code == code;
    for (; low < x->commissioner_count && x->commissioners[low].code == code && day < s.to; low++) {
        const struct organisation_dates *o = &x->commissioners[low];
        if (o->from <= day && (o->to == DATE_NONE || day < o->to))
            day = o->to == DATE_NONE ? s.to : o->to;
    }
    return day < s.to ? day : DATE_NONE;
}

static bool is_practice_form(struct text t)
{
    if (t.length != 6 || t.at[0] < 'A' || t.at[0] > 'Z')
        return false;
    for (size_t i = 1; i < 6; i++) {
        if (t.at[i] < '0' || t.at[i] > '9')
            return false;
    }
    return true;
}

/* Codes for patients whose practice is none, unknown or not applicable. */
static bool is_default_practice(struct text t)
{
    return t.length == 6 && memcmp(t.at, "V8199", 5) == 0 && t.at[5] >= '7' && t.at[5] <= '9';
}

static rule_set_t practice_rules(const struct scope *m, const struct episode_row *row)
{
    struct text practice = row->raw->field[COLUMN_GP_PRACTICE];
    if (practice.length == 0 || is_default_practice(practice))
        return 0;
    if (!is_practice_form(practice))
        return BIT(C01);
    if (m->x->reference->practices == NULL)
        return 0;
    struct span s = service_days(m, row);
    code_t code = code_pack(practice.at, practice.length);
    code_t commissioner = code_pack(row->commissioner.at, row->commissioner.length);
    bool excused = row->raw->field[COLUMN_COMMISSIONER_REASON].length > 0;
    rule_set_t failed = 0;
    for (date_t day = s.from; day < s.to;) {
        const struct practice *p = reference_practice(m->x->reference, code, day);
        if (p == NULL || p->from > day)
            failed |= BIT(C01);
        if (p == NULL)
            break;
        if (p->from < s.to && p->commissioner != commissioner && !excused)
            failed |= BIT(C03);
        day = p->to == DATE_NONE ? s.to : p->to;
    }
    return failed;
}

static rule_set_t commissioner_rules(const struct scope *m, const struct episode_row *row)
{
    rule_set_t failed = practice_rules(m, row);
    bool known;
    if (!is_code(row->commissioner, 3, 6) ||
        commissioner_gap(m->x, code_pack(row->commissioner.at, row->commissioner.length), service_days(m, row),
                         &known) != DATE_NONE)
        failed |= BIT(C02);
    return failed;
}

static size_t characters(struct text t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.length; i++)
        n += (t.at[i] & 0xC0) != 0x80;
    return n;
}

static bool is_unreadable(const struct episode_row *row, enum column c)
{
    return row->unreadable >> c & 1;
}

/* A birth after the month is P06's to tell. */
static bool is_over_130(date_t birth, date_t day)
{
    return birth < day - 130 * 365 && age_on(birth, day) > 130;
}

static rule_set_t person_rules(const struct scope *m, const struct episode_row *row)
{
    rule_set_t failed = 0;
    if (row->patient_id.length == 0 || characters(row->patient_id) > 20 || is_word_for_nothing(row->patient_id))
        failed |= BIT(P01);
    if (row->nhs != NHS_BLANK && row->nhs != NHS_VALID)
        failed |= BIT(P02);
    if (row->nhs == NHS_BLANK && row->nhs_status != 7)
        failed |= BIT(P03);
    if (row->nhs != NHS_BLANK && row->nhs_status == 7)
        failed |= BIT(P04);
    if (row->nhs_status < 0)
        failed |= BIT(P05);
    if (is_unreadable(row, COLUMN_BIRTH_DATE) || (row->birth != DATE_NONE && row->birth > m->last))
        failed |= BIT(P06);
    if (row->birth != DATE_NONE && is_over_130(row->birth, m->last))
        failed |= BIT(P07);
    if (row->birth != DATE_NONE && row->start != DATE_NONE && row->birth > row->start)
        failed |= BIT(D14);
    return failed;
}

static rule_set_t cluster_rules(const struct scope *m, const struct episode_row *row)
{
    int c = row->cluster;
    if (row->cluster_text.length == 0)
        return BIT(K01);
    if (c == 9)
        return BIT(K03);
    if (c == 99)
        return BIT(K04);
    if (c < 0 || c >= CLUSTER_COUNT || !m->x->reference->clusters[c].exists)
        return BIT(K02);
    bool disagrees = row->super_class != '\0' && row->super_class != m->x->reference->clusters[c].super_class;
    return disagrees ? BIT(K05) : 0;
}

static rule_set_t date_rules(const struct scope *m, const struct episode_row *row)
{
    rule_set_t failed = 0;
    if (row->start == DATE_NONE)
        failed |= BIT(D01);
    else if (row->start > m->last)
        failed |= BIT(D02);
    if (is_unreadable(row, COLUMN_END_DATE))
        failed |= BIT(D03);
    if (row->end != DATE_NONE) {
        if (row->end < m->first)
            failed |= BIT(D04);
        if (row->end > m->last + 1)
            failed |= BIT(D05);
        if (row->start != DATE_NONE && row->end < row->start)
            failed |= BIT(D06);
    }
    if (is_unreadable(row, COLUMN_REFERRAL_DATE) || is_unreadable(row, COLUMN_REFERRAL_END) ||
        (row->referral != DATE_NONE && row->referral > m->last))
        failed |= BIT(D12);
    bool days_known = row->start != DATE_NONE && !is_unreadable(row, COLUMN_END_DATE);
    if (!row->assessment_only && (row->admitted_days < 0 ||
                                  (days_known && row->admitted_days > cluster_days(row->start, row->end, m->x->month))))
        failed |= BIT(D13);
    return failed;
}

/* 9, not known, breaks no band; a rating that is missing or wrong is M01's to tell. */
static bool leaves(int8_t rating, struct rating_band band)
{
    return band.least >= 0 && rating >= 0 && rating <= 4 && (rating < band.least || rating > band.most);
}

static rule_set_t grid_rules(const struct allocation_grid *grid, const struct episode_row *row)
{
    rule_set_t failed = 0;
    if (grid == NULL || row->cluster < 0 || row->cluster >= CLUSTER_COUNT)
        return 0;
    for (int i = 0; i < RATING_COUNT; i++) {
        if (leaves(row->rating[i], grid->must[row->cluster][i]))
            failed |= BIT(M06);
        if (leaves(row->rating[i], grid->expected[row->cluster][i]))
            failed |= BIT(M07);
    }
    return failed;
}

static rule_set_t mhct_rules(const struct scope *m, const struct episode_row *row)
{
    rule_set_t failed = 0;
    bool unknown = false, wrong = false;
    for (int i = 0; i < RATING_COUNT; i++) {
        wrong |= row->rating[i] < 0;
        unknown |= row->rating[i] == 9;
    }
    if (wrong)
        failed |= BIT(M01);
    if (unknown)
        failed |= BIT(M02);
    if (row->mhct == DATE_NONE || row->mhct > m->last)
        failed |= BIT(M03);
    if (is_unreadable(row, COLUMN_MHCT_REASON))
        failed |= BIT(M04);
    if (row->mhct != DATE_NONE && row->start != DATE_NONE && row->mhct_reason == 10 && row->mhct > row->start)
        failed |= BIT(M05);
    if (is_unreadable(row, COLUMN_DISCHARGE_MHCT_DATE))
        failed |= BIT(M05);
    return failed | grid_rules(m->x->reference->grid, row);
}

static rule_set_t care_rules(const struct scope *m, const struct episode_row *row)
{
    if (row->assessment_only)
        return 0;
    rule_set_t failed = 0;
    bool open = row->raw->field[COLUMN_END_DATE].length == 0;
    date_t due = review_due(m->x->reference, row->cluster, row->mhct);
    if (open && due != DATE_NONE && due <= m->last)
        failed |= BIT(R01);
    if (row->cluster >= 1 && row->cluster <= 4 && row->admitted_days > 0 && row->mhct != DATE_NONE &&
        row->mhct < m->first)
        failed |= BIT(R04);
    if (is_unreadable(row, COLUMN_LAST_CONTACT))
        failed |= BIT(R06);
    return failed;
}

rule_set_t row_rules_failed(const struct upload_context *x, const struct episode_row *row)
{
    struct scope m = scope_of(x);
    return person_rules(&m, row) | commissioner_rules(&m, row) | cluster_rules(&m, row) | date_rules(&m, row) |
           mhct_rules(&m, row) | care_rules(&m, row);
}

/* The words. */

static void note_date(char *note, const struct episode_row *row, enum column c)
{
    if (row->raw->field[c].length > 0)
        (void)snprintf(note, FINDING_NOTE_SIZE, "%s is not a date: dates are written YYYY-MM-DD", column_name(c));
}

/* Speaks of another column than the rule's own. */
static void speak_of(struct finding *f, const struct episode_row *row, enum column c)
{
    (void)snprintf(f->field, sizeof f->field, "%s", column_name(c));
    finding_value(f->value, c, row->raw->field[c]);
    note_date(f->note, row, c);
}

static void note_days(char *note, const char *before, date_t d, const char *behind)
{
    char text[11];
    date_format(d, text);
    (void)snprintf(note, FINDING_NOTE_SIZE, "%s%s%s", before, text, behind);
}

static void describe_nhs(struct finding *f, const struct episode_row *row)
{
    static const char *const why[] = {[NHS_BLANK] = "",
                                      [NHS_VALID] = "",
                                      [NHS_BAD_LENGTH] = "It has not ten digits",
                                      [NHS_BAD_CHARACTER] = "It holds something that is neither digit nor space",
                                      [NHS_BAD_CHECK] = "The check digit is wrong",
                                      [NHS_DENIED] = "This number is never issued"};
    (void)snprintf(f->note, sizeof f->note, "%s", why[row->nhs]);
}

static void describe_ratings(struct finding *f, const struct episode_row *row, bool (*is_bad)(int8_t))
{
    size_t used = 0;
    struct text first = {"", 0};
    f->note[0] = '\0';
    for (int i = 0; i < RATING_COUNT; i++) {
        if (!is_bad(row->rating[i]))
            continue;
        enum column c = (enum column)(COLUMN_H1 + i);
        if (used == 0) {
            (void)snprintf(f->field, sizeof f->field, "%s", column_name(c));
            first = row->raw->field[c];
        }
        int n = snprintf(f->note + used, sizeof f->note - used, "%s%s", used == 0 ? "Ratings: " : ", ", column_name(c));
        if (n < 0 || (size_t)n >= sizeof f->note - used)
            break;
        used += (size_t)n;
    }
    finding_value(f->value, COLUMN_H1, first);
}

static bool is_wrong(int8_t rating)
{
    return rating < 0;
}

static bool is_unknown(int8_t rating)
{
    return rating == 9;
}

static void describe_commissioner(struct finding *f, const struct upload_context *x, const struct episode_row *row)
{
    bool known = false;
    if (!is_code(row->commissioner, 3, 6)) {
        (void)snprintf(f->note, sizeof f->note, "A code has 3 to 6 capital letters and digits");
        return;
    }
    code_t code = code_pack(row->commissioner.at, row->commissioner.length);
    struct scope m = scope_of(x);
    date_t gap = commissioner_gap(x, code, service_days(&m, row), &known);
    if (known)
        note_days(f->note, "It is not live on ", gap, "");
    else
        (void)snprintf(f->note, sizeof f->note, "No commissioner with this code is known");
}

static void describe_days(struct finding *f, const struct upload_context *x, const struct episode_row *row)
{
    if (row->admitted_days < 0)
        (void)snprintf(f->note, sizeof f->note, "admitted_days is a number from 0 to 31");
    else
        (void)snprintf(f->note, sizeof f->note, "The episode has %d days in the month",
                       cluster_days(row->start, row->end, x->month));
}

static void describe_mhct(struct finding *f, const struct episode_row *row)
{
    if (is_unreadable(row, COLUMN_DISCHARGE_MHCT_DATE))
        speak_of(f, row, COLUMN_DISCHARGE_MHCT_DATE);
    else
        note_days(f->note, "Reason 10, initial, with a start on ", row->start, "");
}

/* Each rating that leaves its band, with the band. */
static void describe_bands(struct finding *f, const struct episode_row *row,
                           const struct rating_band bands[RATING_COUNT])
{
    size_t used = 0;
    for (int i = 0; i < RATING_COUNT && used < sizeof f->note; i++) {
        enum column c = (enum column)(COLUMN_H1 + i);
        if (!leaves(row->rating[i], bands[i]))
            continue;
        if (used == 0) {
            (void)snprintf(f->field, sizeof f->field, "%s", column_name(c));
            finding_value(f->value, c, row->raw->field[c]);
        }
        int n = snprintf(f->note + used, sizeof f->note - used, "%s%s is %d, %s of cluster %.*s is %d to %d",
                         used == 0 ? "" : "; ", column_name(c), row->rating[i],
                         f->rule == RULE_M06 ? "the band to be scored" : "the expected band",
                         (int)row->cluster_text.length, row->cluster_text.at, bands[i].least, bands[i].most);
        used += n > 0 ? (size_t)n : 0;
    }
}

static void describe(const struct upload_context *x, const struct episode_row *row, struct finding *f)
{
    switch (f->rule) {
    case RULE_P02:
        describe_nhs(f, row);
        break;
    case RULE_P06:
        if (row->birth == DATE_NONE)
            note_date(f->note, row, COLUMN_BIRTH_DATE);
        break;
    case RULE_C02:
        describe_commissioner(f, x, row);
        break;
    case RULE_D01:
        note_date(f->note, row, COLUMN_START_DATE);
        break;
    case RULE_D03:
        note_date(f->note, row, COLUMN_END_DATE);
        break;
    case RULE_D12:
        if (row->referral == DATE_NONE)
            speak_of(f, row, is_unreadable(row, COLUMN_REFERRAL_DATE) ? COLUMN_REFERRAL_DATE : COLUMN_REFERRAL_END);
        else if (row->referral <= month_last(x->month))
            speak_of(f, row, COLUMN_REFERRAL_END);
        break;
    case RULE_D13:
        describe_days(f, x, row);
        break;
    case RULE_M01:
        describe_ratings(f, row, is_wrong);
        break;
    case RULE_M02:
        describe_ratings(f, row, is_unknown);
        break;
    case RULE_M03:
        if (row->mhct == DATE_NONE)
            note_date(f->note, row, COLUMN_MHCT_DATE);
        break;
    case RULE_M05:
        describe_mhct(f, row);
        break;
    case RULE_M06:
        describe_bands(f, row, x->reference->grid->must[row->cluster]);
        break;
    case RULE_M07:
        describe_bands(f, row, x->reference->grid->expected[row->cluster]);
        break;
    case RULE_R01:
        note_days(f->note, "Due on ", review_due(x->reference, row->cluster, row->mhct), "");
        break;
    case RULE_R06:
        note_date(f->note, row, COLUMN_LAST_CONTACT);
        break;
    default:
        break;
    }
}

rule_set_t row_rules(const struct upload_context *x, const struct episode_row *row, struct finding *findings,
                     unsigned *count)
{
    rule_set_t failed = row_rules_failed(x, row);
    *count = 0;
    for (rule_set_t left = failed; left != 0 && *count < ROW_FINDINGS_MAXIMUM; left &= left - 1) {
        enum rule_id rule;
        if (!rule_by_bit(__builtin_ctzll(left), &rule))
            continue;
        struct finding *f = &findings[(*count)++];
        finding_begin(f, rule, row->row_no);
        enum column c = column_by_name(f->field, strlen(f->field));
        if (c != COLUMN_COUNT)
            finding_value(f->value, c, row->raw->field[c]);
        describe(x, row, f);
        c = column_by_name(f->field, strlen(f->field));
        if (c != COLUMN_COUNT)
            finding_habit(f, c, row->raw->field[c]);
    }
    return failed;
}
