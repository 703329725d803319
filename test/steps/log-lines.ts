/** Captures the log, and finds secrets in logs and answers. */
import { vi } from 'vitest'
import { watch } from '../support/secrets.ts'
import type { Shop } from '../support/shop.ts'

/** Collects everything written to the console from now on. */
export function listenToLog(): string[] {
  const lines: string[] = []
  const keep = (...parts: unknown[]) => {
    const line = parts.map(String).join(' ')
    watch('log line', line)
    lines.push(line)
  }
  for (const stream of ['log', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, stream).mockImplementation(keep)
  return lines
}

/** The names of the secrets that a text contains; empty if it contains none. */
export function secretsIn(shop: Shop, text: string): string[] {
  const secrets = [
    'WECHAT_APP_SECRET',
    'WECHAT_PAY_KEY',
    'WECHAT_PUSH_TOKEN',
    'WECHAT_PUSH_KEY',
    'SESSION_SECRET',
    'MERCHANT_API_KEY',
    'CRON_SECRET',
    'DATABASE_URL',
    'UPSTASH_REDIS_REST_TOKEN',
    'ORDER_WEBHOOK_SECRET',
  ]
  const found = secrets.filter((name) => text.includes(shop.world.env[name] ?? name))
  return [
    ...found,
    ...['session_key', 'Bearer ey', 'node_modules/', 'INSERT INTO'].filter((trace) =>
      text.includes(trace),
    ),
  ]
}
