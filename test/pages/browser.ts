/** A real Chromium for the tests of the pages. */
import { existsSync, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import axe from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import * as v from 'valibot'
import { expect } from 'vitest'

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const program = CANDIDATES.find((path) => existsSync(path))

/** If it is false, tests are skipped: `test.skipIf(!hasChromium)`. */
export const hasChromium = program !== undefined

/** Ignored by git. */
const SCREENSHOTS = resolve(import.meta.dirname, 'screenshots')

export const PHONE = { width: 390, height: 844 }
const DESKTOP = { width: 1280, height: 800 }

export interface Look {
  readonly language?: 'en-US' | 'zh-CN'
  readonly viewport?: { readonly width: number; readonly height: number }
  readonly colorScheme?: 'light' | 'dark'
  /** The time of the browser's clock. Default: the real time. */
  readonly now?: number
}

/** The flags keep Chromium from asking any server that the test did not name. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    ...(program === undefined ? {} : { executablePath: program }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

/**
 * Opens a page in a context of its own. An error on the page, or a violation of its
 * Content-Security-Policy, is in `errors`.
 */
export async function openPage(
  browser: Browser,
  url: string,
  { language = 'en-US', viewport = DESKTOP, colorScheme = 'light', now }: Look = {},
): Promise<{
  readonly page: Page
  readonly context: BrowserContext
  readonly errors: readonly string[]
}> {
  const context = await browser.newContext({ locale: language, viewport, colorScheme })
  if (now !== undefined) await context.clock.setSystemTime(now)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) errors.push(message.text())
  })
  await page.goto(url)
  return { page, context, errors }
}

/** The pictures of the README are committed. `PICTURES=1 npm run test:pages` replaces them. */
const PICTURES = resolve(import.meta.dirname, '../../docs/pictures')
const PICTURE = { width: 1200, height: 720 }

/** Takes a small picture for the README, if it was asked for. */
export async function takePictureForReadme(page: Page, name: string): Promise<void> {
  if (process.env['PICTURES'] === undefined) return
  mkdirSync(PICTURES, { recursive: true })
  const before = page.viewportSize() ?? DESKTOP
  await page.setViewportSize(PICTURE)
  await page.evaluate('scrollTo(0, 0)')
  await page.screenshot({ path: resolve(PICTURES, `${name}.jpg`), type: 'jpeg', quality: 65 })
  await page.setViewportSize(before)
}

/** Writes a picture of the whole page to look at. */
export async function takePicture(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: resolve(SCREENSHOTS, `${name}.png`), fullPage: true })
}

const report = v.object({
  violations: v.array(
    v.object({
      id: v.string(),
      impact: v.nullable(v.string()),
      nodes: v.array(v.object({ html: v.string(), failureSummary: v.optional(v.string()) })),
    }),
  ),
})

/** Fails if axe finds a violation that it calls serious or critical. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source)
  const { violations } = v.parse(report, await page.evaluate('axe.run()'))
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual(
    [],
  )
}
