# config/rules.tsv -> domain/rules_table.h: the enum of rules and their table.
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
BEGIN { FS = "\t"; n = 0; first = 1; second = 1; for (i = 1; i < 256; i++) ord[sprintf("%c", i)] = i }
/^#/ || NF == 0 { next }
/[^ -~\t]/ { fault("only ASCII is allowed") }
NF != 8 { fault("eight columns wanted, " NF " found") }
$1 == "id" { next }
$1 !~ /^[A-Z][0-9][0-9]$/ || ($1 in seen) { fault("bad or doubled id " $1) }
$3 !~ /^(FILE|ERROR|QUERY|WARN)$/ { fault("unknown severity " $3) }
($3 == "FILE") != ($2 == "") { fault("rules of the file have no bit, all others have one") }
$2 != "" && ($2 !~ /^[0-9]+$/ || $2 > 62 || ($2 in bit_of)) { fault("bad or doubled bit " $2) }
$5 !~ /^(row|patient|terms|history|clock|reference)$/ { fault("unknown dependence " $5) }
$2 == "" && row_rules_begun { fault("rules of the file come first") }
$2 != "" { row_rules_begun = 1 }
{
    seen[$1] = 1
    if ($2 != "") bit_of[$2] = n
    id[n] = $1; bit[n] = $2 == "" ? -1 : $2; severity[n] = $3; field[n] = $4; depends[n] = $5
    sentence[n] = $6; hint[n] = $7; source[n] = $8; n++
    digest_line($0)
}
END {
    if (failed) exit 1
    print "/* Generated from config/rules.tsv. */"
    print "#ifndef RECKONER_DOMAIN_RULES_TABLE_H\n#define RECKONER_DOMAIN_RULES_TABLE_H\n"
    printf "#define RULE_SET_VERSION \"1.%08x%08x\"\n\n", first, second
    print "enum severity { SEVERITY_FILE, SEVERITY_ERROR, SEVERITY_QUERY, SEVERITY_WARN };\n"
    print "enum rule_depends {\n    DEPENDS_ROW,\n    DEPENDS_PATIENT,\n    DEPENDS_TERMS,"
    print "    DEPENDS_HISTORY,\n    DEPENDS_CLOCK,\n    DEPENDS_REFERENCE\n};\n"
    print "enum rule_id {"
    for (i = 0; i < n; i++) print "    RULE_" id[i] ","
    print "    RULE_COUNT\n};\n"
    print "/* The bit of each row rule in a set of failed rules. */\nenum rule_bit {"
    for (i = 0; i < n; i++) if (bit[i] >= 0) print "    RULE_BIT_" id[i] " = " bit[i] ","
    print "    RULE_BITS = 63\n};\n"
    print "struct rule {\n    const char *id;\n    int bit; /* -1 for rules of the whole file */"
    print "    enum severity severity;\n    enum rule_depends depends;\n    const char *field;"
    print "    const char *sentence;\n    const char *hint;\n    const char *source;\n};\n"
    print "static const struct rule rule_table[RULE_COUNT] __attribute__((unused)) = {"
    for (i = 0; i < n; i++)
        print "    {" quoted(id[i]) ", " bit[i] ", SEVERITY_" severity[i] ", DEPENDS_" toupper(depends[i]) ", " \
              quoted(field[i]) ",\n     " quoted(sentence[i]) ",\n     " quoted(hint[i]) ", " quoted(source[i]) "},"
    print "};\n\n#endif"
}
