//! Requests: the body of one that came in, and one that goes out.

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasip3::{wit_future, wit_stream};
use wit_bindgen::{StreamReader, StreamResult};

pub async fn body_of(request: Request) -> Result<String, ErrorCode> {
    let (_, received) = wit_future::new(|| Ok(()));
    let (stream, end) = Request::consume_body(request, received);
    let bytes = read(stream).await;
    end.await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Posts a body; the status and the first line of the answer, or the error.
pub async fn sent(url: &str, body: &str) -> String {
    match exchanged(url, body).await {
        Ok(answer) => answer,
        Err(error) => format!("error {error:?}"),
    }
}

async fn exchanged(url: &str, body: &str) -> Result<String, ErrorCode> {
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    let (scheme, address) = match url.split_once("://") {
        Some(("https", address)) => (Scheme::Https, address),
        Some((_, address)) => (Scheme::Http, address),
        None => return Err(ErrorCode::HttpRequestUriInvalid),
    };
    let (authority, path) = address.split_once('/').unwrap_or((address, ""));
    let (mut writer, contents) = wit_stream::new();
    let body = body.as_bytes().to_vec();
    wit_bindgen::spawn(async move { drop(writer.write_all(body).await) });
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(Fields::new(), Some(contents), trailers, None);
    request.set_method(&Method::Post).map_err(invalid)?;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request
        .set_path_with_query(Some(&format!("/{path}")))
        .map_err(invalid)?;
    let response = client::send(request).await?;
    let status = response.get_status_code();
    let (_, received) = wit_future::new(|| Ok(()));
    let (stream, end) = Response::consume_body(response, received);
    let bytes = read(stream).await;
    end.await?;
    let answer = String::from_utf8_lossy(&bytes);
    Ok(format!(
        "{status} {}",
        answer.lines().next().unwrap_or_default()
    ))
}

async fn read(mut stream: StreamReader<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(64 * 1024);
        let (result, read) = stream.read(bytes).await;
        bytes = read;
        if let StreamResult::Dropped = result {
            return bytes;
        }
    }
}
