/** Chooses the adapter: for a call by the account, for an incoming message by its head. */
import type { Account } from '../core/account.ts'
import type { Gateways, Inbox, MessageHead, Notifications, PayGateway } from '../ports.ts'
import { createUnconfiguredGateway } from './unconfigured-gateway.ts'

/** One version of WeChat Pay's API. */
export interface Protocol {
  gateway(account: Account): PayGateway
  /** Whether a message with this head is in this protocol's form. */
  recognizes(head: MessageHead): boolean
  readonly notifications: Notifications
}

/**
 * The protocols that are configured, by the name that an account has. Each is loaded when it is
 * first used.
 */
export type Protocols = Readonly<Record<string, () => Promise<Protocol>>>

export const createGateways =
  (protocols: Protocols): Gateways =>
  async (account) => {
    const load = protocols[account.protocol]
    if (load !== undefined) return (await load()).gateway(account)
    return createUnconfiguredGateway({
      reason: 'not_configured',
      variable: 'WECHAT_MCH_ID',
      fault: `has no settings for API ${account.protocol}, which this order was placed with`,
      why: 'account',
    })
  }

/** The last protocol reads and answers messages that none recognizes. */
export const createInbox =
  (protocols: Protocols): Inbox =>
  async (head) => {
    let last: Protocol | undefined
    for (const load of Object.values(protocols)) {
      last = await load()
      if (last.recognizes(head)) break
    }
    if (last === undefined) throw new Error('no protocol is configured')
    return last.notifications
  }
