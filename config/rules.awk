# config/rules.tsv -> domain/rules_table.h: the enum of rules and their table.
BEGIN { FS = "\t"; print "/* Generated from config/rules.tsv. */\n#ifndef RECKONER_DOMAIN_RULES_TABLE_H\n#define RECKONER_DOMAIN_RULES_TABLE_H\n\n#endif" }
