import { waitForAll } from '../core/wait-for-all.ts'

/**
 * Runs `work` on each item, `size` at a time, because WeChat limits a merchant's calls. If one
 * fails, the others of its batch end first, and no further batch begins.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += size)
    results.push(...(await waitForAll(items.slice(start, start + size).map(work))))
  return results
}
