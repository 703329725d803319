/** What `npm start` says of the world it began. */
import { expect, test } from 'vitest'
import { describeWorld } from '../../dev/world-description.ts'
import { startWorld } from '../../dev/world.ts'

const given = { DATABASE_URL: 'postgresql://owner:secret@nowhere.invalid/shop', NEON_HTTP_ENDPOINT: 'http://127.0.0.1:9/sql' }

test('a database that was not reached is not called current', async () => {
  const world = await startWorld({ env: given })
  try {
    const lineOf = (whyNot: string | null) =>
      describeWorld(world, given, whyNot)
        .split('\n')
        .find((line) => line.startsWith('  database'))
    expect(lineOf('It did not answer.')).toBe('  database          yours, from DATABASE_URL, NOT MIGRATED: It did not answer.')
    expect(lineOf(null)).toBe('  database          yours, from DATABASE_URL (brought to the current schema, as npm run migrate does)')
  } finally {
    await world.stop()
  }
})
