/** Does the same to each, a few at a time: side by side is faster, and all at once more than WeChat allows a merchant. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += size)
    results.push(...(await Promise.all(items.slice(start, start + size).map(work))))
  return results
}
