# Whole texts, so that a server that runs only documents it knows can read them from this file.
CLAIM = Operation('claimJobs', """mutation WorkerClaimJobs($input: ClaimJobsInput!) {
  claimJobs(input: $input) {
    __typename
    ... on ClaimJobsSuccess { leases { attempt fence job { id function parameters } } }
    ...WorkerProblem
    ... on Unavailable { retryAfterSeconds }
  }
}
fragment WorkerProblem on Error { code message ... on ValidationError { issues { path message } } }""")
HEARTBEAT = Operation('heartbeatJobs', """mutation WorkerHeartbeatJobs($input: HeartbeatJobsInput!) {
  heartbeatJobs(input: $input) {
    __typename
    ... on HeartbeatJobsSuccess { heartbeats { isHeld cancelRequested } }
    ...WorkerProblem
  }
}
fragment WorkerProblem on Error { code message ... on ValidationError { issues { path message } } }""")
COMPLETE = Operation('completeJob', """mutation WorkerCompleteJob($input: CompleteJobInput!) {
  completeJob(input: $input) {
    __typename
    ... on CompleteJobSuccess { job { id } }
    ...WorkerProblem
  }
}
fragment WorkerProblem on Error { code message ... on ValidationError { issues { path message } } }""")
FAIL = Operation('failJob', """mutation WorkerFailJob($input: FailJobInput!) {
  failJob(input: $input) {
    __typename
    ... on FailJobSuccess { job { id } }
    ...WorkerProblem
  }
}
fragment WorkerProblem on Error { code message ... on ValidationError { issues { path message } } }""")
RELEASE = Operation('releaseJobs', """mutation WorkerReleaseJobs($input: ReleaseJobsInput!) {
  releaseJobs(input: $input) {
    __typename
    ... on ReleaseJobsSuccess { jobs { id } }
    ...WorkerProblem
  }
}
fragment WorkerProblem on Error { code message ... on ValidationError { issues { path message } } }""")
APPEND = Operation('appendJobLog', """mutation WorkerAppendJobLog($input: AppendJobLogInput!) {
  appendJobLog(input: $input) {
    __typename
    ... on AppendJobLogSuccess { nextLine }
    ...WorkerProblem
  }
}
fragment WorkerProblem on Error { code message ... on ValidationError { issues { path message } } }""")
SUBMIT = Operation('submitJob', """mutation WorkerSubmitJob($input: SubmitJobInput!) {
  submitJob(input: $input) {
    __typename
    ... on SubmitJobSuccess { job { ...WorkerJob } }
    ...WorkerProblem
    ... on QuotaReached { retryAfterSeconds }
  }
}
fragment WorkerJob on Job { id status function parameters result attempt error { kind message detail } }
fragment WorkerProblem on Error { code message ... on ValidationError { issues { path message } } }""")
GET = """query WorkerGetJob($id: ID!) { job(id: $id) { ...WorkerJob } }
fragment WorkerJob on Job { id status function parameters result attempt error { kind message detail } }"""

