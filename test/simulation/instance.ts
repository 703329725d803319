/**
 * The code that runs now: an outside client, or a request on one of our instances. Instances can
 * freeze or die at any await.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Instance as Composition } from '../../lib/composition.ts'
import type { Random } from './random.ts'

/** A machine that runs our functions. */
export interface Instance {
  readonly name: string
  /** The parts that its functions use. It shares none of them with another instance. */
  readonly composition: Composition
  /** How far its clock is ahead of the world's, in milliseconds. */
  readonly clockOffsetMs: number
  /** No code runs on it before this moment of the world's clock. */
  frozenUntil: number
  isDead: boolean
  /** Called on its death, so that no request waits for its answer. */
  readonly onDeath: Set<() => void>
}

export interface Caller {
  /** Null for every caller outside our functions: Mini Programs, merchants, WeChat, cron. */
  readonly instance: Instance | null
  readonly random: Random
}

const callers = new AsyncLocalStorage<Caller | undefined>()

export const currentCaller = (): Caller | undefined => callers.getStore()
export const runAs = <T>(caller: Caller, work: () => T): T => callers.run(caller, work)
/** Runs the work of a server. Servers use the world's clock, not the clock of an instance. */
export const runAsServer = <T>(work: () => T): T => callers.run(undefined, work)

/** A promise that never settles: code on a dead instance never resumes. */
export const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

export function die(instance: Instance): void {
  instance.isDead = true
  for (const listener of instance.onDeath) listener()
  instance.onDeath.clear()
}

const actions = new AsyncLocalStorage<string>()

/** The kind of the action that caused the running code; also after an answer, and on servers. */
export const currentAction = (): string | undefined => actions.getStore()
export const runForAction = <T>(kind: string, work: () => T): T => actions.run(kind, work)
