/** What to do about a refusal and WeChat's own text, as one line for the log. Either may be empty. */
export const describeRefusal = (cure: string, text = ''): string => (text === '' || cure === '' ? cure + text : `${cure}: ${text}`)
