import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { Steps, TooManySteps, Uncountable } from '../pattern/steps.ts'
import { issuesOf, refusalOf } from './judge.ts'
import { READY } from './pool.ts'
import { LONG, type CheckAnswer, type Task } from './task.ts'

/*
 * A thread that checks what may take long. It counts further than the event loop does; if it is to be patient, it also
 * tries patterns that nobody can count, and is ended when that takes too long.
 */
if (process.platform === 'linux') setPriority(10) // of this thread alone, so that nobody waits for it on a busy machine
parentPort?.on('message', (task: Task) => {
  parentPort?.postMessage(answerTo(task), [])
})

parentPort?.postMessage(READY, [])

function answerTo(task: Task): CheckAnswer {
  const steps = new Steps(LONG, task.isPatient)
  try {
    return task.kind === 'refusal'
      ? { kind: 'refusal', why: refusalOf(task.draft, task.text, steps) }
      : { kind: 'issues', issues: issuesOf(task.schema, task.value, steps) }
  } catch (cause) {
    if (cause instanceof Uncountable) return { kind: 'uncountable' }
    if (cause instanceof TooManySteps) return { kind: 'endless' }
    return { kind: 'fault', message: cause instanceof Error ? (cause.stack ?? '') : String(cause) }
  }
}
