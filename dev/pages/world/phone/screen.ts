/** The properties of every screen of the shop. */
import type { Outcome, Pay, Problem } from '../../../../miniprogram/pay.ts'

export type Screen =
  | { readonly name: 'shop' | 'orders' }
  | { readonly name: 'order'; readonly outTradeNo: string }
  /** The payer has paid, or may have paid. */
  | { readonly name: 'outcome'; readonly outcome: Extract<Outcome, { state: 'paid' | 'unknown' }> }

export interface ScreenProps {
  readonly client: Pay
  readonly open: (screen: Screen) => void
  readonly showOutcome: (outcome: Outcome) => void
  readonly showProblem: (problem: Problem) => void
  readonly setNotice: (text: string) => void
  /** Changes after an event that the screen may show. */
  readonly revision: number
}
