import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Faults } from '../faults.ts'
import type { MessageLog } from '../message-log.ts'
import type { Simulation } from '../simulation.ts'
import type { Attempt, SimulatedPush } from '../state.ts'
import { writePush, type WrittenPush } from './write-push.ts'

/** WeChat sends a message three times. It does not publish when. */
const MOST_ROUNDS = 3
const RETRY_AFTER_MS = 5_000
/** WeChat's timeout for an answer. In real time, not by the simulator's clock. */
const DEADLINE_MS = 5_000

/** Delivers the pushed messages that are due. */
export class Pusher {
  readonly #simulation: Simulation
  readonly #faults: Faults
  readonly #messageLog: MessageLog
  readonly #underWay = new Set<SimulatedPush>()

  constructor(simulation: Simulation, faults: Faults, messageLog: MessageLog) {
    this.#simulation = simulation
    this.#faults = faults
    this.#messageLog = messageLog
  }

  /** Sends the messages that are due, and waits for the answers. */
  async tick(stopping: AbortSignal): Promise<void> {
    const now = this.#simulation.now()
    const due = this.#simulation.state.pushes.filter(
      (push) => push.nextDueAt !== null && push.nextDueAt <= now && !this.#underWay.has(push),
    )
    const taken = due.map((push) => ({ push, fault: this.#faults.take('push') }))
    // A held message follows those that came after it.
    const held = taken.filter(({ fault }) => fault?.do === 'reorder').toReversed()
    due.forEach((push) => this.#underWay.add(push))
    await Promise.all(
      taken
        .filter(({ fault }) => fault?.do !== 'reorder')
        .map(({ push, fault }) => this.#deliver(push, fault, stopping)),
    )
    for (const { push, fault } of held) await this.#deliver(push, fault, stopping)
  }

  async #deliver(push: SimulatedPush, fault: Fault | null, stopping: AbortSignal): Promise<void> {
    const { account, state, now, save } = this.#simulation
    if (account.push === undefined) return
    if (fault?.do === 'delay')
      await sleep(fault.ms, undefined, { signal: stopping }).catch(() => undefined)
    const at = now()
    const copies = fault?.do === 'drop' ? 0 : fault?.do === 'repeat' ? fault.copies : 1
    const written = writePush(push.fields, {
      account: account.push,
      appid: account.appid,
      settings: state.settings,
      at,
      fault,
    })
    const attempts = await Promise.all(
      Array.from({ length: copies }, () => this.#post(written, at, fault, stopping)),
    )
    push.attempts.push(...attempts)
    push.acknowledged ||= attempts.some(({ problem }) => problem === null)
    push.rounds += 1
    const isOver = push.acknowledged || push.rounds === MOST_ROUNDS
    push.nextDueAt = isOver ? null : at + RETRY_AFTER_MS
    this.#underWay.delete(push)
    save()
  }

  async #post(
    { url, headers, body }: WrittenPush,
    at: number,
    fault: Fault | null,
    stopping: AbortSignal,
  ): Promise<Attempt> {
    const entry = { at, direction: 'out', method: 'POST', url, request: body } as const
    const deadline = AbortSignal.timeout(DEADLINE_MS)
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual',
        signal: AbortSignal.any([deadline, stopping]),
      })
      const answer = await response.text()
      this.#messageLog.add({ ...entry, response: answer, status: response.status })
      const problem =
        fault?.do === 'lose-answer' ? 'answer lost' : findProblem(response.status, answer)
      return { at, status: response.status, answer, problem }
    } catch {
      this.#messageLog.add({ ...entry, response: null, status: null })
      const problem = deadline.aborted ? 'no answer within 5 seconds' : 'no connection, or it broke'
      return { at, status: null, answer: null, problem }
    }
  }
}

function findProblem(status: number, answer: string): string | null {
  if (status !== 200) return `HTTP ${status}`
  return answer === 'success' || answer === '' ? null : 'the answer is not success'
}
