/** What the server says of organizations, with what the command line and workers call them by. */
export const asOption = (message: string): string =>
  message
    .replace(
      /^The user name (".*") is none of your organizations: .*/s,
      'The organization $1 (--organization, MILLRACE_ORGANIZATION) is not one of your organizations. Use the handle of one of them.',
    )
    .replace(
      'say which organization is meant:',
      'say which organization is meant (--organization, MILLRACE_ORGANIZATION):',
    )
