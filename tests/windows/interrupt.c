/*
 * Starts a command, waits until a line of its output has a word, and interrupts it as Ctrl-C or Ctrl-Break does, once or more
 * often. Ends with the command's exit code.
 *
 *     interrupt.exe c|break TIMES WORD COMMANDLINE
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
    return 1000;
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
    HANDLE reader, writer;
    char word[64] = "";
    DWORD code = 1000, flags = 0, event = CTRL_C_EVENT;
    int times;

    if (argc != 5) {
        puts("usage: interrupt.exe c|break TIMES WORD COMMANDLINE");
        return 1000;
    }
    if (wcscmp(argv[1], L"break") == 0) {
        flags = CREATE_NEW_PROCESS_GROUP;
        event = CTRL_BREAK_EVENT;
    }
    wcstombs(word, argv[3], sizeof word - 1);
    if (!SetConsoleCtrlHandler(ignore, TRUE) || !CreatePipe(&reader, &writer, &inherited, 0) ||
        !SetHandleInformation(reader, HANDLE_FLAG_INHERIT, 0)) {
        return failed("console or pipe");
    }
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    start.hStdOutput = writer;
    if (!CreateProcessW(NULL, argv[4], NULL, NULL, TRUE, flags, NULL, NULL, &start, &process)) {
        return failed("CreateProcess");
    }
    CloseHandle(writer);
    if (!has_come(reader, word)) {
        puts("the command ended before it was interrupted");
        return 1000;
    }
    for (times = _wtoi(argv[2]); times > 0; times--) {
        if (!GenerateConsoleCtrlEvent(event, flags ? process.dwProcessId : 0)) {
            return failed("GenerateConsoleCtrlEvent");
        }
        Sleep(20);
    }
    CreateThread(NULL, 0, drain, reader, 0, NULL);
    if (WaitForSingleObject(process.hProcess, 120000) != WAIT_OBJECT_0 ||
        !GetExitCodeProcess(process.hProcess, &code)) {
        return failed("the command does not end");
    }
    printf("exit code %lu\n", code);
    return (int)code;
}
