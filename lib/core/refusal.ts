/** Joins the remedy of a refusal and WeChat's own text into one line for the log. Either may be empty. */
export const describeRefusal = (remedy: string, text = ''): string =>
  text === '' || remedy === '' ? remedy + text : `${remedy}: ${text}`
