# api/errors.tsv -> http/problems.h: the enum of problem codes and their table.
BEGIN {
    FS = "\t"
    n = 0
    print "/* Generated from api/errors.tsv. */"
    print "#ifndef RECKONER_HTTP_PROBLEMS_H\n#define RECKONER_HTTP_PROBLEMS_H\n"
}
NR == 1 { next }
/^#/ || NF == 0 { next }
NF != 4 { print FILENAME ":" FNR ": four columns wanted, " NF " found" > "/dev/stderr"; exit 1 }
{ code[n] = $1; status[n] = $2; title[n] = $3; remedy[n] = $4; n++ }
function quoted(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
END {
    print "enum problem {"
    for (i = 0; i < n; i++) print "    PROBLEM_" toupper(code[i]) ","
    print "    PROBLEM_COUNT\n};\n"
    print "struct problem_entry {\n    const char *code;\n    int status;"
    print "    const char *title;\n    const char *remedy;\n};\n"
    print "static const struct problem_entry problem_table[PROBLEM_COUNT] __attribute__((unused)) = {"
    for (i = 0; i < n; i++)
        print "    {" quoted(code[i]) ", " status[i] ", " quoted(title[i]) ", " quoted(remedy[i]) "},"
    print "};\n\n#endif"
}
