/** The page of a new local world in a real browser. Its WeChat sends notifications by itself. */
import type { Locator, Page } from 'playwright-core'
import { stockShop } from '../../dev/world/stock-shop.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { openPage, startBrowser, type Look } from './browser.ts'

export interface WorldPage {
  readonly page: Page
  /** Errors on the page, and violations of its Content-Security-Policy. */
  readonly errors: readonly string[]
  readonly phone: Locator
  readonly wire: Locator
  /** The arrows that are in the document. */
  readonly arrows: Locator
  /** An arrow of the diagram whose title contains a text; the latest one that is drawn. */
  arrow(title: string): Locator
  close(): Promise<void>
}

export interface WorldInBrowser {
  readonly world: World
  /** Opens the page as a new payer. */
  open(look?: Look): Promise<WorldPage>
  close(): Promise<void>
}

export async function openWorld(
  env: Record<string, string> = {},
  { isStocked = true }: { readonly isStocked?: boolean } = {},
): Promise<WorldInBrowser> {
  const world = await startWorld({ env, isWatched: true, complaints: true })
  if (isStocked) await stockShop(world)
  const browser = await startBrowser()
  return {
    world,
    async open(look) {
      const { page, context, errors } = await openPage(browser, `${world.url}/`, look)
      return {
        page,
        errors,
        phone: page.locator('.phone'),
        wire: page.locator('.wire'),
        arrows: page.locator('.message'),
        arrow: (title) => page.locator('.message').filter({ hasText: title }).last(),
        close: () => context.close(),
      }
    },
    async close() {
      await browser.close()
      await world.stop()
    },
  }
}
