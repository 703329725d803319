/** Who is doing something: a party outside, or a request on one of our machines, which freeze and die between any two awaits. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Luck } from './luck.ts'

/** A machine our functions run on. */
export interface Instance {
  readonly name: string
  /** How far its clock is ahead of the world's, in milliseconds. */
  readonly clockOffsetMs: number
  /** Nothing moves on it before this moment of the world's clock. */
  frozenUntil: number
  isDead: boolean
  /** Told to whoever waits for an answer of it. */
  readonly onDeath: Set<() => void>
}

export interface Actor {
  /** Null for everybody who is not our functions: phones, merchants, WeChat, cron. */
  readonly instance: Instance | null
  readonly luck: Luck
}

const actors = new AsyncLocalStorage<Actor | undefined>()

export const currentActor = (): Actor | undefined => actors.getStore()
export const actAs = <T>(actor: Actor, work: () => T): T => actors.run(actor, work)
/** What servers do is on nobody's clock but the world's. */
export const actAsNobody = <T>(work: () => T): T => actors.run(undefined, work)

/** What is dead never comes back to what it was doing. */
export const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

export function die(instance: Instance): void {
  instance.isDead = true
  for (const tell of instance.onDeath) tell()
  instance.onDeath.clear()
}
