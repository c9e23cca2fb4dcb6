/*
 * Starts a command in a console, waits until a line of its output has a word, and interrupts it as Ctrl-C does, once or more
 * often. Prints the command's exit code.
 *
 *     interrupt.exe TIMES WORD COMMANDLINE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

/* This program is in the same console, and has to live on. */
static BOOL WINAPI ignore(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

static int failed(const char *what)
{
    printf("%s: error %lu\n", what, GetLastError());
    return 1;
}

/* Reads until the word has come; 0 if the output ends before. */
static int has_come(HANDLE pipe, const char *word)
{
    static char line[1 << 16];
    size_t length = 0;
    DWORD count;

    while (ReadFile(pipe, line + length, 1, &count, NULL) && count == 1) {
        length += 1;
        if (line[length - 1] == '\n' || length + 1 == sizeof line) {
            line[length] = 0;
            if (strstr(line, word) != NULL) {
                return 1;
            }
            length = 0;
        }
    }
    return 0;
}

/* The command would wait for a reader. */
static DWORD WINAPI drain(LPVOID pipe)
{
    static char rest[4096];
    DWORD count;

    while (ReadFile(pipe, rest, sizeof rest, &count, NULL) && count > 0) {
    }
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    STARTUPINFOW start = {0};
    PROCESS_INFORMATION process;
    HANDLE reader, writer, input = GetStdHandle(STD_INPUT_HANDLE), error = GetStdHandle(STD_ERROR_HANDLE);
    char word[64] = "";
    DWORD code = 1000;
    int times;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc != 4) {
        puts("usage: interrupt.exe TIMES WORD COMMANDLINE");
        return 1;
    }
    wcstombs(word, argv[2], sizeof word - 1);
    /* A program that Wine starts without a terminal has a console that knows no events. */
    FreeConsole();
    if (!AllocConsole() || !SetConsoleCtrlHandler(ignore, TRUE)) {
        return failed("console");
    }
    if (!CreatePipe(&reader, &writer, &inherited, 0) || !SetHandleInformation(reader, HANDLE_FLAG_INHERIT, 0)) {
        return failed("pipe");
    }
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = input;
    start.hStdError = error;
    start.hStdOutput = writer;
    if (!CreateProcessW(NULL, argv[3], NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) {
        return failed("CreateProcess");
    }
    CloseHandle(writer);
    if (!has_come(reader, word)) {
        puts("the command ended before it was interrupted");
        return 1;
    }
    CreateThread(NULL, 0, drain, reader, 0, NULL);
    for (times = _wtoi(argv[1]); times > 0; times--) {
        if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) {
            return failed("GenerateConsoleCtrlEvent");
        }
        Sleep(20);
    }
    if (WaitForSingleObject(process.hProcess, 40000) != WAIT_OBJECT_0 ||
        !GetExitCodeProcess(process.hProcess, &code)) {
        TerminateProcess(process.hProcess, 1);
        return failed("the command does not end");
    }
    printf("exit code %lu\n", code);
    return 0;
}
