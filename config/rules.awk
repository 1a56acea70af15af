# config/thresholds.tsv and config/rules.tsv, in this order, as one of:
#   form=header   domain/rules_table.h: the enums and tables of rules, needs and thresholds
#   form=page     api/rules.md: the rules for whoever mends a file
#   form=schemas  the schemas of rules and thresholds in api/openapi.yaml
function fault(message) { print FILENAME ":" FNR ": " message > "/dev/stderr"; failed = 1; exit 1 }
function quoted(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
# Two remainders of the bytes read as numbers to odd bases: not against malice, only to tell rule sets apart.
function digest_line(s,    i) {
    s = s "\n"
    for (i = 1; i <= length(s); i++) {
        first = (first * 65599 + ord[substr(s, i, 1)]) % 4294967291
        second = (second * 31337 + ord[substr(s, i, 1)]) % 4294967279
    }
}
function add_need(name, missing) {
    need_place[name] = needs; need_name[needs] = name; need_missing[needs++] = missing
}
function yaml(s) { gsub(/'/, "''", s); return "'" s "'" }
function is_value(unit, text) { return unit == "days" ? text ~ /^[0-9]+$/ : text ~ /^[0-9]+%$/ && text + 0 <= 100 }
function value_of(unit, text) { return unit == "days" ? text : text * 10000 }

BEGIN {
    FS = "\t"; n = 0; thresholds = 0; needs = 0; first = 1; second = 1
    for (i = 1; i < 256; i++) ord[sprintf("%c", i)] = i
    add_need("organisations", "The live dates of organisations are not known here")
    add_need("practices", "No practices are loaded")
    add_need("grid", "No allocation grid is loaded")
    add_need("prices", "No reference prices are loaded")
    add_need("history", "The provider's other submissions are not known here")
    add_need("providers", "The submissions of other providers are not known here")
    add_need("clock", "The clock and the windows of the contracts are not known here")
    add_need("terms", "The terms of the contract are not known here")
}
/^#/ || NF == 0 { next }
/[^ -~\t]/ { fault("only ASCII is allowed") }
{ digest_line($0) }
$1 == "name" || $1 == "id" { next }

FILENAME ~ /thresholds/ {
    if (NF != 6) fault("six columns wanted, " NF " found")
    if ($1 !~ /^[a-z][a-z0-9_]*$/ || ($1 in threshold_place)) fault("bad or doubled name " $1)
    if ($2 !~ /^(days|share)$/ || !is_value($2, $3) || !is_value($2, $4) || !is_value($2, $5)) fault("bad unit")
    threshold_place[$1] = thresholds; threshold_name[thresholds] = $1; unit[thresholds] = $2
    standard[thresholds] = $3; least[thresholds] = $4; most[thresholds] = $5; meaning[thresholds++] = $6
    next
}

NF != 11 { fault("eleven columns wanted, " NF " found") }
$1 !~ /^[A-Z][0-9][0-9]$/ || ($1 in seen) { fault("bad or doubled id " $1) }
$3 !~ /^(FILE|ERROR|QUERY|WARN)$/ { fault("unknown severity " $3) }
($3 == "FILE") != ($2 == "") { fault("rules of the file have no bit, all others have one") }
$2 != "" && ($2 !~ /^[0-9]+$/ || $2 > 62 || ($2 in bit_of)) { fault("bad or doubled bit " $2) }
$4 !~ /^(yes|no)$/ || ($3 == "FILE" && $4 == "yes") { fault("change is yes or no, and no for the file") }
$6 !~ /^(row|patient|terms|history|clock|reference)$/ { fault("unknown dependence " $6) }
$8 != "-" && !($8 in threshold_place) { fault("unknown threshold " $8) }
$11 !~ /^(national|service)$/ { fault("unknown source " $11) }
$2 == "" && row_rules_begun { fault("rules of the file come first") }
$2 != "" { row_rules_begun = 1 }
{
    whole = 0; part = 0; in_words = ""
    parts = $7 == "-" ? 0 : split($7, need, ",")
    for (i = 1; i <= parts; i++) {
        name = need[i]; only_part = sub(/\?$/, "", name)
        if (!(name in need_place)) fault("unknown need " name)
        if (only_part) part += 2 ^ need_place[name]; else whole += 2 ^ need_place[name]
        in_words = in_words (i > 1 ? ", " : "") name (only_part ? " (in part)" : "")
    }
    seen[$1] = 1
    if ($2 != "") bit_of[$2] = n
    id[n] = $1; bit[n] = $2 == "" ? -1 : $2; severity[n] = $3; change[n] = $4; field[n] = $5; depends[n] = $6
    needs_whole[n] = whole; needs_part[n] = part; needs_words[n] = in_words
    threshold[n] = $8; sentence[n] = $9; hint[n] = $10; source[n] = $11
    if ($8 != "-") used_by[threshold_place[$8]] = $1
    n++
}

function print_header(    i) {
    print "/* Generated from config/rules.tsv and config/thresholds.tsv. */"
    print "#ifndef RECKONER_DOMAIN_RULES_TABLE_H\n#define RECKONER_DOMAIN_RULES_TABLE_H\n"
    print "#include <stdbool.h>\n#include <stdint.h>\n"
    printf "#define RULE_SET_VERSION \"1.%08x%08x\"\n\n", first, second
    print "enum severity { SEVERITY_FILE, SEVERITY_ERROR, SEVERITY_QUERY, SEVERITY_WARN };\n"
    print "enum rule_depends {\n    DEPENDS_ROW,\n    DEPENDS_PATIENT,\n    DEPENDS_TERMS,"
    print "    DEPENDS_HISTORY,\n    DEPENDS_CLOCK,\n    DEPENDS_REFERENCE\n};\n"
    print "/* What a check must have beside the file to answer a rule; a set of them is 1U << each. */"
    print "enum rule_need {"
    for (i = 0; i < needs; i++) print "    NEED_" toupper(need_name[i]) ","
    print "    NEED_COUNT\n};\n"
    print "enum threshold_id {\n    THRESHOLD_NONE = -1,"
    for (i = 0; i < thresholds; i++) print "    THRESHOLD_" toupper(threshold_name[i]) ","
    print "    THRESHOLD_COUNT\n};\n"
    print "enum rule_id {"
    for (i = 0; i < n; i++) print "    RULE_" id[i] ","
    print "    RULE_COUNT\n};\n"
    print "/* The bit of each row rule in a set of failed rules. */\nenum rule_bit {"
    for (i = 0; i < n; i++) if (bit[i] >= 0) print "    RULE_BIT_" id[i] " = " bit[i] ","
    print "    RULE_BITS = 63\n};\n"
    print "/* The ids one behind the other: SQL orders by strpos() in it. */"
    printf "#define RULES_IN_ORDER \""
    for (i = 0; i < n; i++) printf "%s", id[i]
    print "\"\n"
    print "/* The rules of rows that are an ERROR by default and need no terms to find, M03 apart. */"
    printf "#define RULES_UNPAYABLE_AT_UPLOAD (0"
    for (i = 0; i < n; i++)
        if (bit[i] >= 0 && severity[i] == "ERROR" && depends[i] != "terms" && id[i] != "M03")
            printf " | 1ULL << %d", bit[i]
    print ")\n"
    print "struct rule {\n    const char *id;\n    int bit; /* -1 for rules of the whole file */"
    print "    enum severity severity;\n    bool may_change; /* terms may change the severity */"
    print "    enum rule_depends depends;\n    unsigned needs;         /* without one of these it is not checked */"
    print "    unsigned needs_in_part; /* without one of these it is checked in part */"
    print "    enum threshold_id threshold;\n    const char *field;"
    print "    const char *sentence;\n    const char *hint;\n    const char *source;\n};\n"
    print "struct threshold {\n    const char *name;\n    bool is_share; /* parts per million; otherwise days */"
    print "    int64_t standard; /* where terms do not set it */\n    int64_t least;\n    int64_t most;"
    print "    const char *meaning;\n};\n"
    print "struct rule_need_words {\n    const char *name;"
    print "    const char *missing; /* why a rule is not checked */\n};\n"
    print "static const struct rule rule_table[RULE_COUNT] __attribute__((unused)) = {"
    for (i = 0; i < n; i++)
        print "    {" quoted(id[i]) ", " bit[i] ", SEVERITY_" severity[i] ", " (change[i] == "yes" ? "true" : "false") \
              ", DEPENDS_" toupper(depends[i]) ", " needs_whole[i] ", " needs_part[i] ", THRESHOLD_" \
              (threshold[i] == "-" ? "NONE" : toupper(threshold[i])) ", " quoted(field[i]) ",\n     " \
              quoted(sentence[i]) ",\n     " quoted(hint[i]) ", " quoted(source[i]) "},"
    print "};\n\nstatic const struct threshold threshold_table[THRESHOLD_COUNT] __attribute__((unused)) = {"
    for (i = 0; i < thresholds; i++)
        print "    {" quoted(threshold_name[i]) ", " (unit[i] == "share" ? "true" : "false") ", " \
              value_of(unit[i], standard[i]) ", " value_of(unit[i], least[i]) ", " value_of(unit[i], most[i]) \
              ",\n     " quoted(meaning[i]) "},"
    print "};\n\nstatic const struct rule_need_words rule_need_table[NEED_COUNT] __attribute__((unused)) = {"
    for (i = 0; i < needs; i++) print "    {" quoted(need_name[i]) ", " quoted(need_missing[i]) "},"
    print "};\n\n#endif"
}

function print_rules_of(letter, title,    i) {
    print "\n## " title
    print "\n| rule | severity | column | what is wrong | what to do | needs |\n|---|---|---|---|---|---|"
    for (i = 0; i < n; i++)
        if (substr(id[i], 1, 1) == letter) {
            print "| " id[i] " | " severity[i] (change[i] == "yes" || severity[i] == "FILE" ? "" : ", fixed") " | `" \
                  field[i] "` | " sentence[i] " | " hint[i] " | " needs_words[i] " |"
            printed[i] = 1
        }
}

function print_page(    i) {
    print "# The rules\n"
    print "For whoever sends a month, mends it, or asks about it. Generated from `config/rules.tsv` and"
    print "`config/thresholds.tsv`; `GET /v1/rules` answers with the same, and with the version of the rule set."
    print "How some rules are meant in detail stands in [the upload](formats/upload.md).\n"
    print "**FILE**: the whole upload is refused (F13: held until the uploader confirms). **ERROR**: the row is kept,"
    print "shown and not payable. **QUERY**: payable, listed for the commissioner. **WARN**: information. These are"
    print "the defaults; the [terms](formats/terms.md) of a contract may change ERROR, QUERY and WARN, except where it"
    print "says *fixed*.\n"
    print "**Needs** names what a check must have beside the file. Where it is missing, the report says so:\n"
    print "| needs | what the report says without it |\n|---|---|"
    for (i = 0; i < needs; i++) print "| " need_name[i] " | " need_missing[i] " |"
    print_rules_of("F", "The file")
    print_rules_of("P", "The person")
    print_rules_of("C", "The commissioner")
    print_rules_of("K", "The cluster")
    print_rules_of("D", "Dates")
    print_rules_of("M", "The MHCT")
    print_rules_of("R", "Care")
    print_rules_of("A", "Assessments that earn")
    print_rules_of("W", "Windows")
    for (i = 0; i < n; i++) if (!printed[i]) fault("no heading for " id[i])
    print "\n## Thresholds"
    print "Where the terms name one (member `thresholds`), it holds instead of the default, for every month under"
    print "those terms and without a new upload. Days are whole numbers, shares percentages.\n"
    print "| threshold | default | may be | rule | meaning |\n|---|---|---|---|---|"
    for (i = 0; i < thresholds; i++)
        print "| `" threshold_name[i] "` | " standard[i] (unit[i] == "days" ? " days" : "") " | " \
              least[i] " to " most[i] " | " used_by[i] " | " meaning[i] " |"
}

function print_list(name, description, items, count,    i) {
    print "    " name ":\n      type: string\n      description: " description "\n      enum:"
    for (i = 0; i < count; i++) print "      - " items[i]
}

function print_schemas(    i) {
    print_list("RuleId", "A rule of validation; api/rules.md says what each means", id, n)
    print_list("RuleNeed", "What a check must have beside the file", need_name, needs)
    print "    Thresholds:\n      type: object\n      description: Thresholds that differ from the default"
    print "      additionalProperties: false\n      properties:"
    for (i = 0; i < thresholds; i++) {
        print "        " threshold_name[i] ":"
        if (unit[i] == "days") {
            print "          type: integer\n          minimum: " least[i] "\n          maximum: " most[i]
            print "          default: " standard[i]
        } else {
            print "          type: string\n          pattern: ^[0-9]+(\\.[0-9]{1,4})?%$"
            print "          default: " yaml(standard[i])
        }
        print "          description: " yaml(meaning[i])
    }
}

END {
    if (failed) exit 1
    if (form == "header") print_header()
    else if (form == "page") print_page()
    else if (form == "schemas") print_schemas()
    else { print "form is header, page or schemas" > "/dev/stderr"; exit 1 }
}
