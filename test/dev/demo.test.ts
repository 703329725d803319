/** `npm run demo`: one line for each step, and the order at the end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const program = resolve(import.meta.dirname, '../../dev/demo.ts')

async function run(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ readonly code: unknown; readonly lines: readonly string[] }> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const out = await text(child.stdout)
  return { code: (await ended)[0] as unknown, lines: out.trimEnd().split('\n') }
}

const STEP = /^✓ +(\d+) +\d+ ms {2}(\S.*?) {2,}(\S.*)$/
const LAST =
  /^Order \d{8}\w{24}: 46\.00 yuan paid, 9\.00 yuan refunded, shipped in two parcels, settled; one complaint answered in time\.$/

test.each(['v2', 'v3'])(
  'over %s it prints a line for each step, and the outcome of the order at the end',
  async (api) => {
    const { code, lines } = await run([], { WECHAT_PAY_API: api })
    expect(code).toBe(0)
    const steps = lines.slice(0, -1).map((line) => STEP.exec(line)?.slice(1))
    expect(steps.map((step) => step?.[0])).toEqual(steps.map((_, index) => String(index + 1)))
    expect(steps.length).toBeGreaterThan(15)
    expect(steps.map((step) => step?.[2])).toContain('SUCCESS, 46.00 yuan')
    expect(lines.at(-1)).toMatch(LAST)
  },
)

test('with --wire it prints the messages between the functions and WeChat, too', async () => {
  const { code, lines } = await run(['--wire'], {})
  expect(code).toBe(0)
  const has = (pattern: RegExp) => lines.some((line) => pattern.test(line))
  expect(has(/^ {5}functions → WeChat {2}POST \/wechat\/pay\/unifiedorder$/)).toBe(true)
  expect(has(/^ {9}<sign><!\[CDATA\[[0-9A-F]{64}\]\]><\/sign>$/)).toBe(true)
  expect(has(/^ {5}WeChat → functions {2}POST \/api\/notify$/)).toBe(true)
  expect(has(/session_key":"(?!\*\*\*")/)).toBe(false)
  expect(lines.filter((line) => STEP.test(line)).length).toBeGreaterThan(15)
  expect(lines.at(-1)).toMatch(LAST)
})
