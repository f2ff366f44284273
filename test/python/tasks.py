"""The functions that test/python calls. A gate is a file that a test makes when it wants a function to go on."""

import ctypes
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from fractions import Fraction

from millrace import NonRetryable, worker

together = threading.Barrier(4)


def wait_for(gate, look=lambda: None):
    while not os.path.exists(gate):
        look()
        time.sleep(0.01)


@worker('echo')
def echo(job):
    return {'function': job.function, 'parameters': job.parameters, 'attempt': job.attempt}


@worker('talk')
def talk(job):
    print('from print')
    print('from stderr', file=sys.stderr)
    logging.getLogger('tasks').info('from logging')
    job.log('from log\r\nin two lines\n')
    job.log('one\x0bline\u2028of the log')
    sys.stdout.write('drawn once\rdrawn twice\r')
    sys.stdout.write('without an end \ud800')
    job.progress(0.25)
    job.progress(message='a quarter')
    wait_for(job.parameters['gate'], job.check)
    job.progress(2, 'all of it')
    return 'said'


@worker('lines')
def lines(job):
    for number in range(job.parameters['count']):
        print(number, 'x' * job.parameters['size'])


@worker('fork')
def fork(job):
    child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))
    print('before the fork')
    child.start()
    child.terminate()
    child.join()
    return child.exitcode


@worker('threads')
def threads(job):
    thread = threading.Thread(target=print, args=('from a thread',))
    thread.start()
    thread.join()


@worker('everywhere')
def everywhere(job):
    print('print')
    subprocess.run(['sh', '-c', 'echo child; echo again > /dev/stderr'])
    print('print')
    os.write(1, b'descriptor\n')
    sys.stdout.buffer.write('bytes \xfc\n'.encode())
    ctypes.CDLL(None).printf(b'C\n')
    job.log('log')
    child = multiprocessing.get_context('fork').Process(target=print, args=('fork',))
    child.start()
    child.join()
    logging.getLogger('tasks').info('logging')
    kept = subprocess.run(['echo', 'captured'], stdout=subprocess.PIPE)
    sys.stdout.close()
    ctypes.CDLL(None).printf(b'without an end')
    return kept.stdout.decode()


@worker('bar')
def bar(job):
    print('begins')
    os.write(2, b'\r10%\r20%')
    wait_for(job.parameters['gate'])
    os.write(2, b'\r100%\r\n')
    print('x' * 50000)
    print('y' * 100001, flush=True)
    sys.stdout.write('z' * 50000 + '\r')
    sys.stdout.write('\n')
    print('ends')


@worker('daemon')
def daemon(job):
    one = subprocess.Popen(['sleep', '100'], start_new_session=True)
    print('started')
    return one.pid


@worker('raise')
def raise_it(job):
    raise ValueError('no such thing as %r' % job.parameters['what'])


@worker('exit')
def exit_with(job):
    sys.exit('a script that ends')


@worker('give-up')
def give_up(job):
    raise NonRetryable('wrong for ever')


@worker('wait')
def wait(job):
    print('waiting', job.attempt)
    wait_for(job.parameters['gate'], job.check)
    return {'by': os.getpid()}


@worker('deaf')
def deaf(job):
    print('waiting', job.attempt)
    wait_for(job.parameters['gate'])
    return {'by': os.getpid()}


@worker('chatter')
def chatter(job):
    together.wait()
    for number in range(100):
        print(job.parameters['name'], number)
        time.sleep(0.001)
    return job.parameters['name']


class Long(Fraction):
    """Is a list of itself, as numpy.longdouble."""

    def tolist(self):
        return Long(self)


@worker('numbers')
def numbers(job):
    return {'big': 2**60, 'whole': 2**53 - 1, 'tenth': 0.1, 'long': Long(3, 2), 7: (True, None), 'half': '\ud800'}


@worker('nan')
def nan(job):
    return {'losses': [0.5, float('nan')]}


@worker('object')
def an_object(job):
    return {'model': object()}


@worker('huge')
def huge(job):
    return 'x' * 2_000_000


@worker('strict')
def strict(job):
    return {'x': 1}
