import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Faults } from './faults.ts'
import { recordDelivery } from './notification.ts'
import { postNotification } from './post-notification.ts'
import type { Simulation } from './simulation.ts'
import type { SimulatedNotification } from './state.ts'
import type { MessageLog } from './message-log.ts'

const LONGEST_HOLD_MS = 60_000

interface Delivery {
  readonly notification: SimulatedNotification
  readonly fault: Fault | null
}

/**
 * Delivers the notifications that are due. A notification is not sent again while it is being sent.
 */
export class Notifier {
  readonly #simulation: Simulation
  readonly #faults: Faults
  readonly #messageLog: MessageLog
  readonly #underWay = new Set<SimulatedNotification>()
  readonly #held = new Set<SimulatedNotification>()

  constructor(simulation: Simulation, faults: Faults, messageLog: MessageLog) {
    this.#simulation = simulation
    this.#faults = faults
    this.#messageLog = messageLog
  }

  /**
   * Sends the notifications that are due, waits for the answers, and returns the number of messages
   * sent.
   */
  async tick(stopping: AbortSignal): Promise<number> {
    const deliveries = this.#takeDue()
    const [held, prompt] = [
      deliveries.filter(({ fault }) => fault?.do === 'reorder'),
      deliveries.filter(({ fault }) => fault?.do !== 'reorder'),
    ]
    let sent = sum(await Promise.all(prompt.map((delivery) => this.#deliver(delivery, stopping))))
    for (const delivery of held.toReversed()) {
      if (sent === 0 && held.length === 1 && !this.#heldLongEnough(delivery.notification))
        this.#underWay.delete(delivery.notification)
      else sent += await this.#deliver(delivery, stopping)
    }
    return sent
  }

  #takeDue(): readonly Delivery[] {
    const now = this.#simulation.now()
    const due = this.#simulation.state.notifications.filter(
      (notification) =>
        notification.nextDueAt !== null &&
        notification.nextDueAt <= now &&
        !this.#underWay.has(notification),
    )
    return due.map((notification) => {
      this.#underWay.add(notification)
      if (this.#held.has(notification))
        return { notification, fault: { on: 'notify', do: 'reorder' } }
      const fault = this.#faults.take('notify')
      if (fault?.do === 'reorder') this.#held.add(notification)
      return { notification, fault }
    })
  }

  #heldLongEnough({ nextDueAt }: SimulatedNotification): boolean {
    return nextDueAt !== null && this.#simulation.now() - nextDueAt >= LONGEST_HOLD_MS
  }

  async #deliver({ notification, fault }: Delivery, stopping: AbortSignal): Promise<number> {
    if (fault?.do === 'delay')
      await sleep(fault.ms, undefined, { signal: stopping }).catch(() => undefined)
    const { account, v3, now, save } = this.#simulation
    const at = now()
    const copies = fault?.do === 'drop' ? 0 : fault?.do === 'repeat' ? fault.copies : 1
    const post = () =>
      postNotification(notification, {
        account,
        v3,
        at,
        fault,
        stopping,
        messageLog: this.#messageLog,
      })
    const posted = await Promise.all(Array.from({ length: copies }, post))
    const lost = { at, status: null, answer: null, problem: 'not sent' }
    const attempts = copies === 0 ? [lost] : posted.flatMap(({ attempts: made }) => made)
    recordDelivery(
      notification,
      at,
      attempts,
      posted.some(({ acknowledged }) => acknowledged),
    )
    this.#underWay.delete(notification)
    this.#held.delete(notification)
    save()
    return copies
  }
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0)
