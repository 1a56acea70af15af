/* The command line of the operator and the auditor. Commands live in server/cli; this is their one table. */
#include "cli/administration.h"
#include "cli/audit_command.h"
#include "cli/check_command.h"
#include "cli/command.h"
#include "cli/demo_data.h"
#include "cli/fsck.h"
#include "cli/key_commands.h"
#include "cli/keygen.h"
#include "cli/log_commands.h"
#include "cli/prices_command.h"
#include "cli/sample_command.h"
#include "cli/service_state.h"
#include "cli/statement_commands.h"
#include "cli/terms_command.h"

static int demo_data(struct cli *cli, int argc, char **argv)
{
    (void)cli;
    return cli_demo_data(argc, argv);
}

static const struct command commands[] = {
    {"migrate", "", "Bring the database schema up to this program's version",
     "Applies the numbered files of migrations_dir that are missing, each in one transaction. Safe to run again.\n",
     NEEDS_DATABASE, cli_migrate},
    {"organisation add", "CODE KIND NAME [--live-from DATE]", "Make an organisation",
     "CODE is its ODS code; KIND provider, commissioner, auditor, operator or controlled (an environment\n"
     "whose people may read identities of patients).\n"
     "  --live-from DATE  first day the code is live; default the first day of the current financial year\n",
     NEEDS_DATABASE, cli_organisation_add},
    {"organisation list", "", "List organisations", "", NEEDS_DATABASE, cli_organisation_list},
    {"person add", "ID ORGANISATION NAME", "Make a person who acts for an organisation",
     "ID is unique in the service, for example p.baker. The role is the kind of the organisation.\n", NEEDS_DATABASE,
     cli_person_add},
    {"person disable", "ID", "Let a person act no longer: their tokens are refused, and no new one is made",
     "What the person did stands, and the id stays taken.\n", NEEDS_DATABASE, cli_person_disable},
    {"person enable", "ID", "Let a disabled person act again",
     "Tokens that have neither expired nor been revoked are good again; reckoner token revoke ends them.\n",
     NEEDS_DATABASE, cli_person_enable},
    {"token create", "PERSON [--days N]", "Make a bearer token and print it, once",
     "Only a keyed hash is stored: a token that is lost cannot be shown again.\n"
     "  --days N  how long it is good, 1 to 366 days, default 90\n",
     NEEDS_DATABASE, cli_token_create},
    {"token revoke", "PERSON", "Revoke every token of a person", "", NEEDS_DATABASE, cli_token_revoke},
    {"auditor appoint", "AUDITOR ORGANISATION", "Let an auditor read the accounts of an organisation",
     "AUDITOR may be a controlled environment too, ORGANISATION then is the provider whose identities it reads.\n",
     NEEDS_DATABASE, cli_auditor_appoint},
    {"reference load", "KIND FILE", "Load a reference file; the newest of a kind is in use",
     "KIND is clusters, bank_holidays, practices, allocation_grid or reference_prices. Prints the kind and the file's\n"
     "SHA-256.\n",
     NEEDS_DATABASE, cli_reference_load},
    {"key list", "", "List signing keys and their validity", "", NEEDS_DATABASE, cli_key_list},
    {"key introduce", "FILE [--from INSTANT]", "Let a further signing key sign, beside the one in use",
     "FILE is its public half, which reckoner keygen signing --out writes. It goes into the log: whoever follows the "
     "log\n"
     "knows the key before its first signature.\n"
     "  --from INSTANT  first instant at which it may sign, default now\n",
     NEEDS_DATABASE, cli_key_introduce},
    {"key retire", "KEY [--at INSTANT]", "End a signing key: what it signed before stays good",
     "Introduce the new one and restart the workers with it first: a worker with a key that has ended signs nothing.\n"
     "  --at INSTANT  first instant at which it may sign no longer, default now\n",
     NEEDS_DATABASE, cli_key_retire},
    {"key lost", "KEY --since INSTANT", "Tell that others may have a signing key",
     "What it signed before the instant, and what stood in the log by now, stays good. Nothing else that it signs is.\n"
     "  --since INSTANT  first instant at which others may have had it\n",
     NEEDS_DATABASE, cli_key_lost},
    {"keygen", "[token | pseudonym | seal | signing] [--out FILE]",
     "Make keys, into the files that the configuration names",
     "Without an argument, all of them. Secret files get mode 0400 and the caller as owner; nothing is overwritten.\n"
     "Prints public halves and ids. Keep copies of the secret files off this machine: what is sealed to a lost key\n"
     "stays sealed.\n"
     "  --out FILE  a further signing key, beside the one in use; its public half goes into FILE.pub\n",
     NEEDS_CONFIG, cli_keygen},
    {"config", "", "Show every option with its value, unit and meaning", "", NEEDS_CONFIG, cli_config},
    {"health", "[--queue-seconds N]", "Say whether database, schema, queue and workers are well",
     "Ends with status 1 when one is not.\n"
     "  --queue-seconds N  longest time that due work may wait, default 300\n",
     NEEDS_DATABASE, cli_health},
    {"fsck", "[--part NAME] [--provider CODE] [--month YYYY-MM] [--seal-key FILE] [--json] [--recover ...]",
     "Hold everything that is stored against what it must follow from", cli_fsck_help, NEEDS_DATABASE, cli_fsck},
    {"demo-data", "--out FOLDER [--seed N] [--scale PERCENT | --rows N] [--casemix FILE]",
     "Write made-up uploads for the demonstration and the benchmark",
     "Two trusts, April to June 2012, and a manifest of the faults planted. Same arguments, same bytes.\n"
     "  --scale PERCENT  size of the trusts; 100 (the default) is 20,400 and 3,000 open episodes\n"
     "  --rows N         instead, one upload of RXA for April with exactly N rows\n"
     "  --casemix FILE   weights by cluster, default deploy/demo/casemix.csv\n",
     NEEDS_NOTHING, demo_data},
    {"check", "FILE --reference CHECKFILE [--format FORMAT] [--month YYYY-MM] [--mapping WHICH] ...",
     "Check a file of activity on this machine, before it is sent", cli_check_help, NEEDS_NOTHING, cli_check},
    {"terms check", "FILE [--json]", "Check terms and compute their worked examples",
     "FILE is a version of the terms, JSON as in api/formats/terms.md (- reads standard input). Shows each expected "
     "amount\n"
     "beside the computed one; ends with status 1 when the terms are refused, have no example, or miss one.\n"
     "  --json  what each example comes to, as JSON\n",
     NEEDS_NOTHING, cli_terms_check},
    {"terms lint", "FILE [--json]", "Find what contradicts itself in terms, with counter-examples",
     "FILE is a version of the terms, JSON as in api/formats/terms.md (- reads standard input), complete or not. Ends "
     "with\n"
     "status 1 when there is a defect; notes are shown and pass.\n"
     "  --json  what was found, as canonical JSON\n",
     NEEDS_NOTHING, cli_terms_lint},
    {"terms print", "FILE", "Print terms in plain English, to read and sign",
     "FILE is a version of the terms, JSON as in api/formats/terms.md (- reads standard input). The SHA-256 shown is "
     "that\n"
     "of the canonical form, which both parties approve.\n",
     NEEDS_NOTHING, cli_terms_print},
    {"prices", "FILE", "Compute cost-neutral prices from a contract value, caseload and resource intensities",
     "FILE is JSON as in api/formats/calculations.md (- reads standard input): contract_value_pence, and lines of "
     "cluster,\nbasis, caseload and rri. What whole pence do not reach is a line of its own.\n",
     NEEDS_NOTHING, cli_prices},
    {"explain", "FILE [LINE]", "Show how each amount of a statement or position was made",
     "FILE is a statement or a position document (- reads standard input); LINE is a line's number or its key.\n"
     "Clause of the terms, operation, rounding and inputs are those that the engine recorded.\n",
     NEEDS_NOTHING, cli_explain},
    {"audit check", "FILE [--key FILE] [--kept FILE]", "Check an exported audit trail, offline", cli_audit_check_help,
     NEEDS_NOTHING, cli_audit_check},
    {"log keep", "STATE --checkpoint FILE --key FILE [--consistency FILE | --recovery FILE --inclusion FILE]",
     "Keep the last checkpoint of the log seen, and refuse one that does not continue it", cli_log_keep_help,
     NEEDS_NOTHING, cli_log_keep},
    {"log keygen", "NAME --out FILE", "Make a key to cosign checkpoints with, and print its verifier key",
     "NAME says whose it is, for example audit.example.nhs.uk/2013. What is printed goes to POST /v1/log/keepers.\n",
     NEEDS_NOTHING, cli_log_keygen},
    {"log cosign", "STATE --name NAME --key FILE", "Print the cosignature of a checkpoint that was kept",
     "Cosign what `reckoner log keep` has accepted. The line goes to POST /v1/log/checkpoints/SIZE/cosignatures.\n",
     NEEDS_NOTHING, cli_log_cosign},
    {"log cosigned", "CHECKPOINT --keepers FILE", "Check that keepers have cosigned a checkpoint",
     "FILE has a verifier key on each line, as each keeper gave it to you (`reckoner log keygen` prints it). A keeper\n"
     "that has cosigned saw this very checkpoint: whoever asks for its cosignature is shown the same log. Ends with\n"
     "status 1 when one has not.\n",
     NEEDS_NOTHING, cli_log_cosigned},
    {"sample evaluate", "PAPER --bundle BUNDLE [--confidence N] [--json]", "Say what a filled working paper comes to",
     cli_sample_evaluate_help, NEEDS_NOTHING, cli_sample_evaluate},
    {"sample", "BUNDLE --method random|mus --size N --nonce X --paper FILE", "Draw an audit sample from a bundle",
     cli_sample_help, NEEDS_NOTHING, cli_sample},
    {"verify", "BUNDLE | STATEMENT [--key FILE] [--checkpoint KEPT] [--json] ...",
     "Check a bundle, or a signed statement, offline", cli_verify_help, NEEDS_NOTHING, cli_verify},
};

int main(int argc, char **argv)
{
    return cli_main(commands, sizeof commands / sizeof commands[0], argc, argv);
}
