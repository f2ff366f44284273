import type { Service } from '../generated/prisma/client.ts'
import type { Role, ServiceKind, ServiceStatus } from '../generated/prisma/enums.ts'
import { idKind } from '../kit/ids.ts'
import { machine, type EventOf, type StateOf } from '../kit/machine.ts'
import { kindOf } from '../kinds/index.ts'

export const ServiceId = idKind('svc')
export const InstanceId = idKind('ins')

/** Bus topic on which reconcilers hear that a service wants attention; the hint is its UUID. */
export const ATTENTION = 'service.attention'

export const services = kindOf<Service>({
  kind: ServiceId,
  noun: 'service',
  table: 'Service',
  type: ({ kind }) => typenameOf(kind),
  within: ['organization', 'deployment'],
  closedBy: 'closedAt', // once its processes are gone too
  topic: ATTENTION,
  search: {
    names: ['name', 'heldHandle'],
    title: ({ name }) => name,
    detail: ({ handle, status }) => `${handle}, ${status}`,
  },
})

/** The GraphQL type of a service of this kind. */
export function typenameOf(kind: ServiceKind): 'ProcessService' | 'QueueService' {
  switch (kind) {
    case 'PROCESS':
      return 'ProcessService'
    case 'QUEUE':
      return 'QueueService'
  }
}

/**
 * The life of a process service. The mutation that wants a change writes the state and answers at once; the
 * reconciler of the server that owns the service drives its processes there and writes what came of it.
 *
 * READY means that as many instances of the wanted version as were asked for have passed their check; whatever
 * takes that away for a while (another number, another version, a restart, a crash) is SCALING.
 */
export const serviceMoves = machine({
  STARTING: { ready: 'READY', fail: 'FAILED', stop: 'STOPPING' },
  READY: { scale: 'SCALING', fail: 'FAILED', stop: 'STOPPING' },
  SCALING: { ready: 'READY', fail: 'FAILED', stop: 'STOPPING' },
  STOPPING: { stopped: 'STOPPED', start: 'STARTING' },
  STOPPED: { start: 'STARTING' },
  FAILED: { start: 'STARTING' },
})

export type ProcessStatus = StateOf<typeof serviceMoves>
export type ServiceMove = EventOf<typeof serviceMoves>

/**
 * A process service is never UNAVAILABLE: that is a word for queues, to which nothing is done that depends on a
 * state.
 */
export const processStatus = (status: ServiceStatus): ProcessStatus =>
  status === 'UNAVAILABLE' ? 'FAILED' : status

/** States in which instances run or are about to. */
const RUNNING: readonly ProcessStatus[] = ['STARTING', 'READY', 'SCALING']

export type ServiceAction =
  | 'UPDATE'
  | 'SCALE'
  | 'START'
  | 'STOP'
  | 'RESTART'
  | 'DELETE'
  | 'INVOKE'
  | 'SUBMIT_JOB'
  | 'ROLL_BACK'

interface ActionRule {
  /** The weakest role that may. */
  readonly role: Role
  /** The states in which it is legal. */
  readonly from: readonly ProcessStatus[]
  /** The kinds of service that have it. */
  readonly kinds: readonly ServiceKind[]
}

const RUN: readonly ServiceKind[] = ['PROCESS']
const ALL: readonly ServiceKind[] = ['PROCESS', 'QUEUE']

/**
 * What can be done to a service, by whom and in which states: the one table that guards the mutations and answers
 * `viewerActions`. Starting and stopping are moves of the state machine, which the database holds them to.
 */
export const serviceActions: Readonly<Record<ServiceAction, ActionRule>> = {
  UPDATE: { role: 'DEVELOPER', from: serviceMoves.states, kinds: ALL },
  SCALE: { role: 'DEVELOPER', from: serviceMoves.states, kinds: RUN },
  START: { role: 'DEVELOPER', from: serviceMoves.from('start'), kinds: RUN },
  STOP: { role: 'DEVELOPER', from: serviceMoves.from('stop'), kinds: RUN },
  RESTART: { role: 'DEVELOPER', from: ['READY', 'SCALING'], kinds: RUN },
  DELETE: { role: 'DEVELOPER', from: serviceMoves.states, kinds: ALL },
  INVOKE: { role: 'VIEWER', from: RUNNING, kinds: RUN },
  SUBMIT_JOB: { role: 'DEVELOPER', from: serviceMoves.states, kinds: ALL },
  ROLL_BACK: { role: 'DEVELOPER', from: serviceMoves.states, kinds: RUN },
}

export const actionNames = Object.keys(serviceActions) as readonly ServiceAction[] // its own keys
