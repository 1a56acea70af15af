"""What each act leaves in the audit trail: of every operation that is no GET, and of every GET that hands over what is
written down first."""

ACCOUNT = "contract/{contract}/account/{commissioner}"
# Operation: the act, its subject from the path's values and the answer's members, and members of the body that say why.
ACTS = {
    "cosignCheckpoint": ("log.cosign", "log/checkpoint/{size}"),
    "addKeeper": ("log.keeper_add", "{name}"),
    "createOrganisation": ("organisation.create", "{code}"),
    "replaceOrganisation": ("organisation.replace", "{organisation}"),
    "appointAuditor": ("organisation.appoint_auditor", "{organisation}"),
    "createContract": ("contract.create", "contract/{contract}"),
    "withdrawContract": ("contract.withdraw", "contract/{contract}"),
    "draftTerms": ("terms.draft", "contract/{contract}/terms/{version}"),
    "replaceTerms": ("terms.replace", "contract/{contract}/terms/{version}"),
    "withdrawTerms": ("terms.withdraw", "contract/{contract}/terms/{version}"),
    "approveTerms": ("terms.approve", "contract/{contract}/terms/{version}"),
    "askException": ("exception.ask", "contract/{contract}/exception/{month}/{n}", "reason"),
    "decideException": ("exception.decide", "contract/{contract}/exception/{month}/{n}"),
    "proposeAchievement": ("achievement.propose", ACCOUNT + "/achievement/{indicator}/{n}"),
    "agreeAchievement": ("achievement.agree", ACCOUNT + "/achievement/{indicator}/{n}"),
    "disputeAchievement": ("achievement.dispute", ACCOUNT + "/achievement/{indicator}/{n}"),
    "proposeAgreement": ("agreement.propose", ACCOUNT + "/agreement/{n}"),
    "agreeAgreement": ("agreement.agreed", ACCOUNT + "/agreement/{n}"),
    "refuseAgreement": ("agreement.refused", ACCOUNT + "/agreement/{n}", "reason"),
    "withdrawAgreement": ("agreement.withdrawn", ACCOUNT + "/agreement/{n}"),
    "imposeWithhold": ("withhold.impose", ACCOUNT + "/withhold/{month}/{id}"),
    "raiseChallenge": ("challenge.raise", ACCOUNT + "/challenge/{number}", "reason", "evidence"),
    "acceptChallenge": ("challenge.accepted", ACCOUNT + "/challenge/{n}"),
    "rejectChallenge": ("challenge.rejected", ACCOUNT + "/challenge/{n}", "reason"),
    "splitChallenge": ("challenge.split", ACCOUNT + "/challenge/{n}", "reason"),
    "withdrawChallenge": ("challenge.withdrawn", ACCOUNT + "/challenge/{n}"),
    "askCalculation": ("calculation.ask", "contract/{contract}/calculation/{calculation}"),
    "enterPrice": ("price.track", "contract/{contract}/price/{cluster}/{basis}", "note"),
    "uploadSubmission": ("submission.receive", "submission/{submission}"),
    "confirmSubmission": ("submission.confirm", "submission/{submission}"),
    "saveColumnMapping": ("column_mapping.save", "column-mapping/{version}"),
    "withdrawColumnMapping": ("column_mapping.withdraw", "column-mapping/2"),
    "askIdentifiers": ("identifiers.ask", "submission/{submission}/reading/{reading}", "purpose"),
    "releaseIdentifiers": ("identifiers.release", "reading/{reading}"),
    "rehearseSubmission": ("rehearsal.receive", "rehearsal/{rehearsal}"),
    "askExport": ("export.ask", "export/{export}"),
    "promiseSample": ("sample.promise", ACCOUNT + "/sample/{sample}"),
    "revealSample": ("sample.reveal", ACCOUNT + "/sample/{sample}"),
    "rateSample": ("sample.rate", ACCOUNT + "/sample/{sample}"),
    "closeSample": ("sample.close", ACCOUNT + "/sample/{sample}"),
    "askSampleBundle": ("export.ask", "export/{export}"),
    "askAuditTrail": ("export.ask", "export/{export}"),
    "askFixIt": ("export.ask", "export/{export}"),
    "askBundle": ("export.ask", "export/{export}"),
    "getExportFile": ("export.fetch", "export/{export}"),
    "givePeerConsent": ("peers.consent", "peers"),
    "withdrawPeerConsent": ("peers.withdraw", "peers"),
    "requestRun": ("run.request", "run/{run}"),
    "retryJob": ("job.retry", "job/{job}"),
    "draftInstalments": ("instalment.request", "contract/{contract}"),
    "proposeDocument": ("document.propose", "document/{document}"),
    "issueDocument": ("document.issue", "document/{document}"),
    "proposeReattribution": ("reattribution.propose", "reattribution/{n}", "reason"),
    "agreeReattribution": ("reattribution.agreed", "reattribution/{n}"),
    "refuseReattribution": ("reattribution.refused", "reattribution/{n}", "reason"),
    "withdrawReattribution": ("reattribution.withdrawn", "reattribution/{n}"),
    "askErasure": ("erasure.ask", "erasure/{erasure}", "reason"),
    "approveErasure": ("erasure.approve", "erasure/{erasure}"),
    "refuseErasure": ("erasure.refuse", "erasure/{erasure}"),
}
# They compute an answer from what is sent and change nothing.
CHANGE_NOTHING = {"computeCostNeutralPrices", "previewColumnMapping"}


def expected(operation, path, body, answer):
    """What the event of a call that succeeded says: act, subject, and the reasons given."""
    act, subject, *why = ACTS[operation]
    values = path | {name: value for name, value in answer.items() if isinstance(value, (str, int))}
    return [act, subject.format(**values), {name: body[name] for name in why}]
