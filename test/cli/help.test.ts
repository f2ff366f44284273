import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { program } from '../../src/cli/program.ts'

const commandsOf = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap((each) => commandsOf(each)),
]

test('the help describes every command, argument and option', () => {
  const undescribed = commandsOf(program()).flatMap((command) => [
    ...(command.description() === '' ? [command.name()] : []),
    ...command.registeredArguments
      .filter(({ description }) => description === '')
      .map((argument) => `${command.name()} <${argument.name()}>`),
    ...command.options
      .filter(({ description }) => description === '')
      .map(({ flags }) => `${command.name()} ${flags}`),
  ])
  expect(undescribed).toEqual([])
})
