/** Distributes a number of hostile inputs over all targets. */
import { openShop, type Shop } from './shop.ts'
import { callTarget } from './call-target.ts'
import { messageTarget } from './message-target.ts'
import { pushTarget } from './push-target.ts'
import { recutTarget } from './recut-target.ts'
import { bodyTarget, queryTarget } from './request-target.ts'
import { runnable, type Report, type RunOptions, type Runnable } from './target.ts'
import { tokenTarget } from './token-target.ts'
import { openAnswerTarget } from './v3-answer-target.ts'
import { v3MessageTarget } from './v3-message-target.ts'

/**
 * Shares of a thousand inputs. A function call gets few, because it takes as long as reading a
 * hundred messages.
 */
const SHARES = {
  messages: 240,
  pushes: 40,
  'v3-messages': 120,
  'v3-answers': 50,
  recuts: 80,
  tokens: 100,
  bodies: 145,
  queries: 200,
  functions: 25,
} as const

export type TargetName = keyof typeof SHARES

export const targetNames: readonly TargetName[] = [
  'messages',
  'pushes',
  'v3-messages',
  'v3-answers',
  'recuts',
  'tokens',
  'bodies',
  'queries',
  'functions',
]

export const shareOf = (name: TargetName, inputs: number): number =>
  Math.ceil((inputs * SHARES[name]) / 1_000)

export interface CampaignOptions {
  readonly seed: number
  readonly inputs: number
  readonly only: { readonly target: TargetName; readonly index: number | undefined } | undefined
  readonly onProgress: (target: TargetName, done: number) => void
}

/** The orders in the shop, and how many of them are paid when it opens. */
const ORDERS = 200
const PAID_ORDERS = 20

export async function runCampaign({
  seed,
  inputs,
  only,
  onProgress,
}: CampaignOptions): Promise<readonly Report[]> {
  const reports: Report[] = []
  for (const name of only === undefined ? targetNames : [only.target]) {
    const options = {
      seed,
      inputs: shareOf(name, inputs),
      only: only?.index,
      onProgress: (done: number) => onProgress(name, done),
    }
    if (name === 'functions')
      reports.push(await withShop((shop) => runnable(callTarget(shop)).run(options)))
    else if (name === 'v3-answers') reports.push(await attackCalls(options))
    else reports.push(await targets[name].run(options))
  }
  return reports
}

const targets: Readonly<Record<Exclude<TargetName, 'functions' | 'v3-answers'>, Runnable>> = {
  messages: runnable(messageTarget),
  pushes: runnable(pushTarget),
  'v3-messages': runnable(v3MessageTarget),
  recuts: runnable(recutTarget),
  tokens: runnable(tokenTarget),
  bodies: runnable(bodyTarget),
  queries: runnable(queryTarget),
}

async function attackCalls(options: RunOptions): Promise<Report> {
  const { target, close } = await openAnswerTarget()
  try {
    return await runnable(target).run(options)
  } finally {
    await close()
  }
}

async function withShop(work: (shop: Shop) => Promise<Report>): Promise<Report> {
  const shop = await openShop(ORDERS, PAID_ORDERS)
  try {
    return await work(shop)
  } finally {
    await shop.close()
  }
}
