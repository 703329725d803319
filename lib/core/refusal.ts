/** Joins the remedy of a refusal and WeChat's own text into one line for the log. Either may be empty. */
export const describeRefusal = (cure: string, text = ''): string =>
  text === '' || cure === '' ? cure + text : `${cure}: ${text}`
