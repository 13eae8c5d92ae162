/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What differs between the machines. Numbers of system calls (__NR_*) and open flags (O_DIRECT) are the headers' of
 * the machine that the kernel programs are built for; here is where a call's arguments and its number are, at sys_enter and
 * at sys_exit, a function's arguments when it is entered, and its result when it returns.
 */
#ifndef RINGLIGHT_ARCH_H
#define RINGLIGHT_ARCH_H

#include <asm/fcntl.h>
#include <asm/unistd.h>

#if defined(__TARGET_ARCH_x86)

#define CALL_ARGUMENT_0(regs) ((regs)->di)
#define CALL_ARGUMENT_1(regs) ((regs)->si)
#define CALL_ARGUMENT_2(regs) ((regs)->dx)
#define CALL_ARGUMENT_3(regs) ((regs)->r10)
#define CALL_ARGUMENT_4(regs) ((regs)->r8)
#define CALL_ARGUMENT_5(regs) ((regs)->r9)
#define CALL_NUMBER(regs) ((long)(regs)->orig_ax)
#define FUNCTION_ARGUMENT_0(regs) ((regs)->di)
#define FUNCTION_ARGUMENT_1(regs) ((regs)->si)
#define FUNCTION_ARGUMENT_2(regs) ((regs)->dx)
#define FUNCTION_RESULT(regs) ((int)(regs)->ax)
/* a 32-bit program's calls have other numbers */
#define CALL_IS_64_BIT(regs) ((regs)->cs == 0x33)

#elif defined(__TARGET_ARCH_arm64)

/* kept apart, because the first register becomes the result's */
#define CALL_ARGUMENT_0(regs) ((regs)->orig_x0)
#define CALL_ARGUMENT_1(regs) ((regs)->regs[1])
#define CALL_ARGUMENT_2(regs) ((regs)->regs[2])
#define CALL_ARGUMENT_3(regs) ((regs)->regs[3])
#define CALL_ARGUMENT_4(regs) ((regs)->regs[4])
#define CALL_ARGUMENT_5(regs) ((regs)->regs[5])
/* unsigned, since none is negative: where the sign is extended, 6.1's verifier does not see that a 32-bit comparison bounds it */
#define CALL_NUMBER(regs) ((__u32)(regs)->syscallno)
#define FUNCTION_ARGUMENT_0(regs) ((regs)->regs[0])
#define FUNCTION_ARGUMENT_1(regs) ((regs)->regs[1])
#define FUNCTION_ARGUMENT_2(regs) ((regs)->regs[2])
#define FUNCTION_RESULT(regs) ((int)(regs)->regs[0])
#define CALL_IS_64_BIT(regs) (((regs)->pstate & 0x10) == 0)

#else
#error "the registers of this machine are not known"
#endif

#endif
