/* The handlers that the table of routes names, by resource. */
#ifndef RECKONER_ROUTES_HANDLERS_H
#define RECKONER_ROUTES_HANDLERS_H

#include "http/request.h"

/* problems.c */
void problems_list(struct request *r);
/* rules.c */
void rules_list(struct request *r);

/* schemas.c */
void schemas_terms(struct request *r);
/* keys.c */
void keys_list(struct request *r);
void keys_get(struct request *r);
/* samples.c */
void samples_list(struct request *r);
void samples_promise(struct request *r);
void samples_get(struct request *r);
void samples_reveal(struct request *r);
void samples_rows(struct request *r);
void samples_rate(struct request *r);
void samples_close(struct request *r);
void samples_result(struct request *r);
/* me.c */
void me_get(struct request *r);
/* organisations.c */
void organisations_list(struct request *r);
void organisations_get(struct request *r);
void organisations_create(struct request *r);
void organisations_replace(struct request *r);
void organisations_appoint(struct request *r);
/* differences.c */
void differences_list(struct request *r);
void differences_summary(struct request *r);
/* absences.c */
void absences_list(struct request *r);
/* contracts.c */
void contracts_create(struct request *r);
void contracts_withdraw(struct request *r);
void contracts_list(struct request *r);
void contracts_list_all(struct request *r);
void contracts_get(struct request *r);
/* terms.c, approvals.c */
void terms_route_list(struct request *r);
void terms_route_get(struct request *r);
void terms_route_draft(struct request *r);
void terms_route_replace(struct request *r);
void terms_route_withdraw(struct request *r);
void terms_route_approve(struct request *r);

/* terms_reading.c */
void terms_route_text(struct request *r);
void terms_route_differences(struct request *r);
void terms_route_examples(struct request *r);
/* terms_lint.c */
void terms_route_lint(struct request *r);
/* exceptions.c */
void exceptions_list(struct request *r);
void exceptions_get(struct request *r);
void exceptions_ask(struct request *r);
void exceptions_decide(struct request *r);
/* achievements.c */
void achievements_list(struct request *r);
void achievements_get(struct request *r);
void achievements_propose(struct request *r);
void achievements_agree(struct request *r);
void achievements_dispute(struct request *r);
/* calculations.c, price_track.c */
void calculations_list(struct request *r);
void calculations_ask(struct request *r);
void calculations_get(struct request *r);
void cost_neutral_answer(struct request *r);
void price_track_route_list(struct request *r);
void price_track_route_add(struct request *r);
/* agreements.c, withholds.c */
void agreements_list(struct request *r);
void agreements_get(struct request *r);
void agreements_propose(struct request *r);
void agreements_agree(struct request *r);
void agreements_refuse(struct request *r);
void agreements_withdraw(struct request *r);
void withholds_list(struct request *r);
void withholds_impose(struct request *r);
/* challenges.c, challenge_raise.c */
void challenges_list(struct request *r);
void challenges_get(struct request *r);
void challenges_rows(struct request *r);
void challenges_outcomes(struct request *r);
void challenges_raise(struct request *r);
void challenges_accept(struct request *r);
void challenges_reject(struct request *r);
void challenges_split(struct request *r);
void challenges_withdraw(struct request *r);

/* reattributions.c, reattribution_propose.c */
void reattributions_list(struct request *r);
void reattributions_get(struct request *r);
void reattributions_rows(struct request *r);
void reattributions_propose(struct request *r);
void reattributions_agree(struct request *r);
void reattributions_refuse(struct request *r);
void reattributions_withdraw(struct request *r);
/* jobs.c */
void jobs_get(struct request *r);
void jobs_retry(struct request *r);
/* submission_upload.c, submissions.c */
extern const struct upload_ops submission_upload_ops;
void submissions_list(struct request *r);
void submissions_get(struct request *r);
void submissions_findings(struct request *r);
void submissions_findings_summary(struct request *r);
void submissions_receipt(struct request *r);
void submissions_receipt_signature(struct request *r);
void submissions_receipt_minisig(struct request *r);
void submissions_confirm(struct request *r);
/* identifiers.c */
void identifiers_ask(struct request *r);
void identifiers_list(struct request *r);
void identifiers_get(struct request *r);
void identifiers_release(struct request *r);
/* exports.c */
void exports_ask(struct request *r);
void exports_ask_fix_it(struct request *r);
void exports_ask_bundle(struct request *r);
void exports_ask_sample_bundle(struct request *r);
void exports_ask_audit(struct request *r);
void exports_list(struct request *r);
void exports_get(struct request *r);
void exports_file(struct request *r);
/* findings.c */
void findings_list(struct request *r);
void findings_summary(struct request *r);
void findings_trend(struct request *r);
/* column_mapping.c, column_mapping_preview.c */
void column_mapping_route_get(struct request *r);
void column_mapping_route_save(struct request *r);
void column_mapping_route_withdraw(struct request *r);
extern const struct upload_ops column_mapping_preview_ops;
/* indicators.c, readiness.c, uncontracted.c */
void indicators_get(struct request *r);
void indicators_trend(struct request *r);
void indicators_peers(struct request *r);
void peer_consent_show(struct request *r);
void peer_consent_put(struct request *r);
void peer_consent_delete(struct request *r);
void readiness_get(struct request *r);
void uncontracted_rows(struct request *r);
/* rehearsals.c */
extern const struct upload_ops rehearsal_upload_ops;
void rehearsals_get(struct request *r);
void rehearsals_findings(struct request *r);
/* check_files.c */
void check_files_get(struct request *r);
/* runs.c, run_requests.c */
void runs_list(struct request *r);
void runs_create(struct request *r);
void runs_get(struct request *r);
void runs_position(struct request *r);
void runs_lines(struct request *r);
void run_line_rows(struct request *r);
/* erasures.c */
void erasures_list(struct request *r);
void erasures_get(struct request *r);
void erasures_ask(struct request *r);
void erasures_approve(struct request *r);
void erasures_refuse(struct request *r);
/* row_proof.c */
void row_proof_get(struct request *r);
/* documents.c */
void accounts_get(struct request *r);
void accounts_stopped(struct request *r);
void runs_bridge(struct request *r);
void instalments_create(struct request *r);
void documents_list(struct request *r);
void documents_get(struct request *r);
void documents_propose(struct request *r);
void documents_issue(struct request *r);
/* statements.c */
void statements_list(struct request *r);
void statements_get(struct request *r);
void statements_signature(struct request *r);
void statements_minisig(struct request *r);

/* certificates.c */
void certificates_list(struct request *r);
void certificates_get(struct request *r);
void certificates_signature(struct request *r);
void certificates_minisig(struct request *r);
/* log.c */
void log_checkpoint_newest(struct request *r);
void log_checkpoint_get(struct request *r);
void log_checkpoints_list(struct request *r);
void log_entries_list(struct request *r);
void log_inclusion(struct request *r);
void log_consistency(struct request *r);
void log_keepers_list(struct request *r);
void log_keepers_add(struct request *r);
void log_cosignatures_add(struct request *r);

#endif
