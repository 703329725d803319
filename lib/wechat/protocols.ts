/** Chooses the adapter: for a call by the account, for an incoming message by its head. */
import type { Account } from '../core/account.ts'
import type { Gateways, MessageHead, Notifications, PayGateway } from '../ports.ts'
import { createUnconfiguredGateway } from './unconfigured-gateway.ts'

/** One version of WeChat Pay's API. */
export interface Protocol {
  gateway(account: Account): PayGateway
  /** Whether a message with this head is in this protocol's form. */
  recognizes(head: MessageHead): boolean
  readonly notifications: Notifications
}

/** The protocols by the name that an account has. */
export type Protocols = Readonly<Record<string, Protocol>>

export const createGateways =
  (protocols: Protocols): Gateways =>
  (account) => {
    const protocol = protocols[account.protocol]
    if (protocol !== undefined) return protocol.gateway(account)
    return createUnconfiguredGateway({
      reason: 'not_configured',
      variable: 'WECHAT_MCH_ID',
      fault: `has no settings for API ${account.protocol}, which this order was placed with`,
      why: 'account',
    })
  }

/** @param fallback reads and answers messages that no protocol recognizes */
export function createNotifications(protocols: Protocols, fallback: Protocol): Notifications {
  const find = (head: MessageHead): Notifications =>
    (Object.values(protocols).find((protocol) => protocol.recognizes(head)) ?? fallback)
      .notifications
  return {
    read: (message) => find(message).read(message),
    acknowledge: (head, handled) => find(head).acknowledge(head, handled),
  }
}
