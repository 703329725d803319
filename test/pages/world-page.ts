/** The page of a new local world in a real browser. Its WeChat sends notifications by itself. */
import type { Browser, Locator, Page } from 'playwright-core'
import { stockShop } from '../../dev/world/stock-shop.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { openPage, startBrowser, type Look } from './browser.ts'

export interface WorldPage {
  readonly page: Page
  /** Errors on the page, and violations of its Content-Security-Policy. */
  readonly errors: readonly string[]
  readonly phone: Locator
  readonly wire: Locator
  /** An arrow of the diagram whose title contains a text; the latest one that is drawn. */
  arrow(title: string): Locator
  close(): Promise<void>
}

export interface WorldInBrowser {
  readonly world: World
  readonly browser: Browser
  /** Opens the page as a new payer. */
  open(look?: Look): Promise<WorldPage>
  /** The answer of a function to the merchant. */
  asMerchant(path: string, body?: object): Promise<unknown>
  close(): Promise<void>
}

export async function openWorld(env: Record<string, string> = {}): Promise<WorldInBrowser> {
  const world = await startWorld({ env, isWatched: true })
  await stockShop(world)
  const browser = await startBrowser()
  return {
    world,
    browser,
    async open(look) {
      const { page, context, errors } = await openPage(browser, `${world.url}/`, look)
      return {
        page,
        errors,
        phone: page.locator('.phone'),
        wire: page.locator('.wire'),
        arrow: (title) => page.getByRole('option').filter({ hasText: title }).last(),
        close: () => context.close(),
      }
    },
    async asMerchant(path, body) {
      const answer = await fetch(world.url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${world.env.MERCHANT_API_KEY}`,
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return answer.json()
    },
    async close() {
      await browser.close()
      await world.stop()
    },
  }
}
